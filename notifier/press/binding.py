"""Binding: many letters become one file, and each page is looked at before it counts."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from notifier.deliver.compose import Unsendable
from notifier.model.correspondence import Correspondence

from .pages import Pages, Unreadable
from .writing import Desk, Draft, Lost, Writer

_NUMBER: Final = re.compile(r"M\d{9,}")


class Misplaced(Exception):
    """A page does not belong to the letter that it is counted to. Nothing of the file may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A file of letters."""

    pdf: bytes
    pages: tuple[int, ...]  # of each letter, in order
    first_pages: tuple[int, ...]  # 1-based
    sha256: bytes


def bind(writer: Writer, letters: Sequence[Correspondence]) -> Bound:
    """Set letters one after the other into one file.

    Raises what the writer raises, and :class:`Misplaced`.
    """
    bulk = writer.letters(letters)
    check(bulk.pdf, [c.number for c in letters], bulk.pages)
    firsts = [1]
    for count in bulk.pages:
        firsts.append(firsts[-1] + count)
    return Bound(
        pdf=bulk.pdf,
        pages=tuple(bulk.pages),
        first_pages=tuple(firsts[:-1]),
        sha256=hashlib.sha256(bulk.pdf).digest(),
    )


def check(pdf: bytes, numbers: Sequence[str], pages: Sequence[int]) -> None:
    """Whether every letter's pages bear its number, and none a number of another.

    Raises :class:`Misplaced`.
    """
    try:
        made = Pages(pdf)
        if len(numbers) != len(pages) or sum(pages) != len(made):
            raise Misplaced(f"{len(made)} pages of {len(numbers)} letters, not {sum(pages)}")
        at = 0
        for number, count in zip(numbers, pages, strict=True):
            for page in range(count):
                _check_page(made, at + page, number, first=page == 0)
            at += count
    except Unreadable as error:
        raise Misplaced(f"the file cannot be looked through: {error}") from error


def _check_page(made: Pages, place: int, number: str, *, first: bool) -> None:
    found = next(_numbers(made.lines(place)), None)
    if found != number and (first or found is not None):
        raise Misplaced(f"page {place + 1} bears {found or 'no number'}, not {number}")


def _numbers(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield from _NUMBER.findall(line)


def bind_all(desk: Desk, drafts: Sequence[Draft]) -> tuple[list[Draft], Bound | None, list[Lost]]:
    """Bind what can be bound; which letters these are, and which are lost.

    A letter that only fails while it is set is found by setting halves.
    """
    try:
        return [*drafts], bind(desk.writer, [d.c for d in drafts]) if drafts else None, []
    except Misplaced:
        raise
    except Exception:
        good, lost = _sifted(desk, drafts)
        if not lost:
            raise  # each can be set, and yet all together cannot
    bound = bind(desk.writer, [d.c for d in good]) if good else None
    return good, bound, lost


def _sifted(desk: Desk, drafts: Sequence[Draft]) -> tuple[list[Draft], list[Lost]]:
    try:
        desk.writer.letters([d.c for d in drafts])
    except Exception:
        if len(drafts) == 1:
            return _single(desk, drafts[0])
    else:
        return [*drafts], []
    middle = len(drafts) // 2
    halves = [_sifted(desk, part) for part in (drafts[:middle], drafts[middle:])]
    return [d for good, _ in halves for d in good], [x for _, lost in halves for x in lost]


def _single(desk: Desk, draft: Draft) -> tuple[list[Draft], list[Lost]]:
    try:
        desk.sets(draft.c)
    except Unsendable as error:
        return [], [Lost(message_id=draft.message_id, notice=draft.c.notice, error=error)]
    return [draft], []
