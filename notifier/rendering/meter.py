"""The meter: what running a template has cost so far, in units that no machine changes."""

from collections.abc import Iterable, Sized
from threading import local
from typing import Any, Final

from jinja2.utils import Namespace
from markupsafe import Markup

from notifier.rendering import limits
from notifier.rendering.errors import LimitExceeded

_BITS: Final = 6  # 64 characters are one unit
_AT_ONCE: Final = 1_000  # units, before they are charged
SHORT: Final = 256  # characters that are not worth counting
_WORK: Final = f"takes more than {limits.WORK} steps"


class _Meter(local):
    """One for each thread: a template runs in one."""

    left = limits.WORK
    calls = 0  # macros within macros


_meter: Final = _Meter()


def begin() -> None:
    """A template begins to run in this thread, and may take all there is."""
    _meter.left, _meter.calls = limits.WORK, 0


def spent() -> int:
    """Units since the run began."""
    return limits.WORK - _meter.left


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
    if calls > limits.CALLS:
        raise LimitExceeded(f"calls macros more than {limits.CALLS} deep")


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
    if length > limits.TEXT:
        raise LimitExceeded(f"makes a text of more than {limits.TEXT} characters")
    charge(length >> _BITS)


def charge_items(length: int) -> None:
    """Count a list before it is made. Raises :class:`LimitExceeded`."""
    if length > limits.ITEMS:
        raise LimitExceeded(f"makes a list of more than {limits.ITEMS} items")
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
