"""Skeletons: mails written once, with slots where readers differ.

A skeleton holds for all messages of one notice, step, brand and day whose other values are the
same, too. It is made by running the templates on slots, so that filling it in gives, byte for
byte, what the templates would have given: whatever a template looks at is not made a slot.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import escape

from notifier.rendering.mail.mime import crlf
from notifier.rendering.text import links
from notifier.rendering.text.forms import forms_of
from notifier.rendering.text.slots import SLOT, Amount, Observed, Slots
from notifier.rendering.words import Pages, Phrases

#: What could become part of a link with what stands beside a slot; see :data:`LINKING`.
_BEFORE: Final = re.compile(rf"(?:w|u|ur|url|:/?){SLOT.pattern}", re.IGNORECASE)
_AFTER: Final = re.compile(
    rf"{SLOT.pattern}(?:[a-z0-9+.\-]*://|//|w{{1,2}}\.|\s*=|(?:r?l)?\()", re.IGNORECASE
)
#: Two values side by side may make one as well, and no text between them shows it.
_BESIDE: Final = re.compile(rf"{SLOT.pattern}(?={SLOT.pattern})")
#: Text that may be a link or part of one. A value with it is not filled into a slot.
LINKING: Final = re.compile(r":|//|=|\\|www|url\(", re.IGNORECASE)
#: What HTML needs escaped.
_HTML: Final = frozenset("&<>'\"")


@dataclass(frozen=True, slots=True)
class Filling:
    """Text in UTF-8 with the line ends of mail, cut at its slots."""

    pieces: tuple[bytes, ...]  # what stands between the slots, and nothing at the place of each
    slots: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Filling":
        """Cut a text that holds slots."""
        pieces: list[bytes] = []
        for piece in SLOT.split(text):
            pieces += (crlf(piece), b"")
        return cls(tuple(pieces[:-1]), tuple(SLOT.findall(text)))

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """Slot → what takes its place, in UTF-8."""
        if not self.slots:
            return self.pieces[0]
        pieces = list(self.pieces)
        pieces[1::2] = [values[slot] for slot in self.slots]
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A mail with slots."""

    subject: Filling
    text: Filling
    html: Filling
    slots: tuple[tuple[str, str], ...]  # (path of a value, its slot)
    yen: Callable[[int], str]

    def fill(self, values: Mapping[str, str | int]) -> tuple[bytes, bytes, bytes]:
        """Subject, text and HTML as bytes; ``values``: path → plain text, or an amount in yen."""
        plain, escaped = {}, {}
        for path, slot in self.slots:
            value = values[path]
            if isinstance(value, int):
                plain[slot] = escaped[slot] = self.yen(value).encode()
            else:
                plain[slot] = value.encode()
                escaped[slot] = plain[slot] if _HTML.isdisjoint(value) else escape(value).encode()
        return self.subject.fill(plain), self.text.fill(plain), self.html.fill(escaped)


def in_bytes(pages: Pages) -> tuple[bytes, bytes, bytes]:
    """What :meth:`Skeleton.fill` is to give."""
    return crlf(pages.subject), crlf(pages.text), crlf(pages.html)


class Unfit(Exception):
    """Some leaves cannot be slots."""

    def __init__(self, paths: set[str]) -> None:
        self.paths = paths
        super().__init__(", ".join(sorted(paths)))


def trace(
    phrases: Phrases,
    step: str,
    values: Mapping[str, Any],
    leaves: Mapping[str, str | int],
    domains: Sequence[str],
) -> Skeleton:
    """The skeleton of a mail; ``phrases`` run in a tracing sandbox, ``leaves`` are its slots.

    Raises :class:`Unfit` with the leaves that it depends on.
    """
    slots = Slots(leaves)
    with unobserved(slots):
        pages = phrases.mail(step, with_slots(values, leaves, slots))
        _check_links(pages, domains)
    subject, text, page = (Filling.of(p) for p in (pages.subject, pages.text, pages.html))
    used = {*subject.slots, *text.slots, *page.slots}
    return Skeleton(subject, text, page, slots.among(used), forms_of(phrases.folder.language).yen)


@contextmanager
def unobserved(slots: Slots) -> Iterator[None]:
    """Templates run on slots; :class:`Unfit` names the leaves that they look at."""
    try:
        yield
    except Observed as observed:
        raise Unfit(slots.paths(observed)) from None


def with_slots(
    values: Mapping[str, Any], leaves: Mapping[str, str | int], slots: Slots
) -> dict[str, Any]:
    """The values with slots at the paths of the leaves."""

    def mark(path: str, value: Any) -> Any:
        if path in leaves:
            slot = slots.by_path[path]
            return Amount(path, slot) if isinstance(value, int) else slot
        if isinstance(value, dict):
            return {key: mark(f"{path}.{key}", item) for key, item in value.items()}
        if isinstance(value, list):
            return [mark(f"{path}.{place}", item) for place, item in enumerate(value)]
        return value

    return {name: mark(name, value) for name, value in values.items()}


def _check_links(pages: Pages, domains: Sequence[str]) -> None:
    """No link may lead into a slot, and nothing beside a slot may make one with its value."""
    text = f"{pages.subject}\n{pages.text}"
    beside = [
        p
        for found in (text, pages.html)
        for q in (_BEFORE, _AFTER, _BESIDE)
        for p in q.findall(found)
    ]
    linked = [url for url in (*links.in_text(text), *links.in_html(pages.html)) if SLOT.search(url)]
    if seen := SLOT.findall("".join([*beside, *linked])):
        raise Observed(seen)
    links.check_text(text, domains)
    links.check_html(pages.html, domains)
