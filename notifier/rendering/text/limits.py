"""The limits within which everything that people edit is rendered, and the meter that holds them.

All limits count something, so that the same template breaks the same limit on every machine: see
``docs/templates.md``. The figures in brackets are the most that the notices of the program
themselves come to.
"""

from collections.abc import Iterable, Sized
from threading import local
from typing import Any, Final

from jinja2.utils import Namespace
from markupsafe import Markup

from notifier.rendering.errors import LimitExceeded

# What a version may hold.
FILE: Final = 40_000  # characters of a file (7,200): time to read one grows with its square
FILES: Final = 200  # files of a notice, those of ``_base`` among them (24)
VERSION: Final = 400_000  # characters of all of them (44,000)
PAGE: Final = 100_000  # characters of a page in MJML with all that it includes (2,900)
COMPILED: Final = 200_000  # characters of a page compiled to HTML (5,600)
TAGS: Final = 300  # tags of a page in MJML (45): its compiler needs 5 KB of stack for each level
LEVELS: Final = 40  # tags within tags (7)
PLACEHOLDERS: Final = 1_000  # Jinja in a page (19): each is looked for in the compiled one
NODES: Final = 20_000  # of a parsed template (470)
DEPTH: Final = 50  # nodes within nodes (15): compilers call themselves for each level
RANGE: Final = 100  # of ``range``, which no notice of ours uses

# What running a template once may come to. A unit is an evaluated node, or 64 characters that are
# copied: some 2 µs at most, so that no template holds up a worker for longer than half a second.
WORK: Final = 100_000  # units (2,700)
TEXT: Final = 200_000  # characters of a text or page (11,100); mail programs cut off at 102 KB
ITEMS: Final = 10_000  # of a list (40)
CALLS: Final = 30  # macros within macros (3)
WHOLE: Final = 10**15  # the largest number that is reckoned with
PHRASE: Final = 20_000  # characters that are cut into phrases or lines at once (600 by intake)
WORD: Final = 1_000  # characters of a telephone number, a postcode, a key of a label

# What setting edited letters in a process of its own may take.
DATA: Final = 200_000  # characters of the words of a letter (6,000)
SECONDS: Final = 6  # of processor time for a document (1, with the fonts)
SECONDS_PER_LETTER: Final = 0.02  # in addition (0.002)
PATIENCE: Final = 20  # by the clock, times that: others may need the machine as well
MEMORY: Final = 2 * 2**30  # bytes of address space; a document of 1,000 letters takes 0.9 GB
PDF: Final = 400 * 2**20  # bytes of a document; the same 1,000 letters have 12 MB
BLAMED: Final = 3  # letters of one kind that break limits alone, before all of that kind wait


_BITS: Final = 6  # 64 characters are one unit
_AT_ONCE: Final = 1_000  # units, before they are charged
SHORT: Final = 256  # characters that are not worth counting
_WORK: Final = f"takes more than {WORK} steps"


class _Meter(local):
    """One for each thread: a template runs in one."""

    left = WORK
    calls = 0  # macros within macros


_meter: Final = _Meter()


def begin() -> None:
    """A template begins to run in this thread, and may take all there is."""
    _meter.left, _meter.calls = WORK, 0


def spent() -> int:
    """Units since the run began."""
    return WORK - _meter.left


def charge(units: int) -> None:
    """Count work. Raises :class:`LimitExceeded`."""
    _meter.left = left = _meter.left - units
    if left < 0:
        raise LimitExceeded(_WORK)


def enter(units: int) -> None:
    """A macro begins; :func:`leave` follows. Raises :class:`LimitExceeded`, which ends the run."""
    _meter.left = left = _meter.left - units
    _meter.calls = calls = _meter.calls + 1
    if left < 0:
        raise LimitExceeded(_WORK)
    if calls > CALLS:
        raise LimitExceeded(f"calls macros more than {CALLS} deep")


def leave() -> None:
    """It has ended."""
    _meter.calls -= 1


def sized(text: str) -> str:
    """A text that was made, if it is not too long."""
    if len(text) > SHORT:
        charge_text(len(text))
    return text


def charge_text(length: int) -> None:
    """Count a text before it is made. Raises :class:`LimitExceeded`."""
    if length <= SHORT:
        return
    if length > TEXT:
        raise LimitExceeded(f"makes a text of more than {TEXT} characters")
    charge(length >> _BITS)


def charge_items(length: int) -> None:
    """Count a list before it is made. Raises :class:`LimitExceeded`."""
    if length > ITEMS:
        raise LimitExceeded(f"makes a list of more than {ITEMS} items")
    charge(1 + (length >> _BITS))


def weigh(value: Any) -> None:
    """Count all that is within a value, as often as it is: a list may hold one thing many times."""
    total, todo = 0, [value]
    while todo:
        one = todo.pop()
        kind = type(one)
        if kind is str or kind is Markup:
            total += len(one) >> _BITS
        elif kind is list or kind is tuple:
            total += 1 + len(one)
            todo += one
        elif kind is dict:
            total += 1 + 2 * len(one)
            todo += one.values()
            todo += one
        elif kind is Namespace:
            raise LimitExceeded("uses a namespace as a value")
        elif isinstance(one, Iterable) and isinstance(one, Sized):  # such as ``dict.values()``
            total += 1 + len(one)
            todo += one
        if total > _AT_ONCE:
            charge(total)
            total = 0
    charge(total)
