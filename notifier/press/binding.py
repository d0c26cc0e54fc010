"""Binding: many letters become one file, and each page is looked at before it counts."""

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.write.content import Drawn
from notifier.write.drawn import Pages
from notifier.write.errors import LetterError, PiecesRefused, WriteError
from notifier.write.glyphs import Unknown, Unreadable
from notifier.write.ink import check_pages
from notifier.write.stationery import Stationery
from notifier.write.typeface import typeface

from .mailing import envelope_of
from .writing import Bulk, Desk, Draft, Lost, Writer, lost_for

log = structlog.get_logger(__name__)

_NUMBER: Final = re.compile(r"M\d{9,}")


class TemplatesChanged(Exception):
    """The templates on the disk are other ones than those of this program: start it anew."""


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

    Raises what the writer raises, :class:`PiecesRefused` also for pages that show something in a
    wrong place, and :class:`Misplaced`.
    """
    bulk = writer.letters(letters)
    check(bulk, letters, writer.stationery)
    firsts = [1]
    for count in bulk.pages:
        firsts.append(firsts[-1] + count)
    return Bound(
        pdf=bulk.pdf,
        pages=tuple(bulk.pages),
        first_pages=tuple(firsts[:-1]),
        sha256=hashlib.sha256(bulk.pdf).digest(),
    )


def check(bulk: Bulk, letters: Sequence[Correspondence], stationery: Stationery) -> None:
    """Look at every finished page: whose it is, and where something stands on it.

    Every letter's pages bear its number, and none a number of another: raises :class:`Misplaced`.
    Nothing stands where the press or the envelope's window does not allow it: raises
    :class:`PiecesRefused` with the letters of which that is not so.
    """
    faults: dict[int, WriteError] = {}
    try:
        made = Pages(bulk.pdf)
        if len(letters) != len(bulk.pages) or 0 in bulk.pages or sum(bulk.pages) != len(made):
            counts = f"{len(made)} pages of {len(letters)} letters, not {sum(bulk.pages)}"
            raise Misplaced(counts)
        at = 0
        for n, (c, count) in enumerate(zip(letters, bulk.pages, strict=True)):
            try:
                _check_letter([[*made.drawn(at + page)] for page in range(count)], c, stationery)
            except Unknown as error:
                faults[n] = WriteError("letter", f"cannot be looked at: {error}")
            except LetterError as error:
                faults[n] = error
            at += count
    except Unreadable as error:
        raise Misplaced(f"the file cannot be looked through: {error}") from error
    if faults:
        raise PiecesRefused(faults)


def _check_letter(
    pages: Sequence[Sequence[Drawn]], c: Correspondence, stationery: Stationery
) -> None:
    for place, page in enumerate(pages):
        found = next((n for piece in page for n in _NUMBER.findall(piece.text)), None)
        if found != c.number and (place == 0 or found is not None):
            raise Misplaced(f"a page bears {found or 'no number'}, not {c.number}")
    margin, descent = stationery.unprintable_mm, typeface(stationery).descent
    check_pages(pages, c, envelope_of(c, stationery), margin, descent)


def bind_all(desk: Desk, drafts: Sequence[Draft]) -> tuple[list[Draft], Bound | None, list[Lost]]:
    """Bind what can be bound; which letters these are, and which are lost."""
    good, lost = [*drafts], list[Lost]()
    while good:
        try:
            return good, bind(desk.writer, [d.c for d in good]), lost
        except PiecesRefused as refused:
            lost += [_refused(good[n], error) for n, error in sorted(refused.faults.items())]
            good = [d for n, d in enumerate(good) if n not in refused.faults]
        except (Misplaced, BrokenExecutor, TemplatesChanged):
            raise  # it is not the fault of any letter
        except Exception:
            good, broken = _sifted(desk, good)
            if not broken:
                raise  # each can be set, and yet all together cannot
            lost += broken
    return [], None, lost


def _refused(draft: Draft, error: WriteError) -> Lost:
    detail = error.detail if isinstance(error, LetterError) else ""
    reason = error.reason if isinstance(error, LetterError) else Reason.RENDER_FAILED
    log.warning(
        "letter not written", message=draft.c.number, notice=draft.c.notice, field=error.field
    )
    # The detail is a code point or a count, never a text.
    return lost_for(draft, reason, f"{error.field} {detail}".strip())


def _sifted(desk: Desk, drafts: Sequence[Draft]) -> tuple[list[Draft], list[Lost]]:
    """Those that break the writer, found by setting halves."""
    try:
        desk.writer.letters([d.c for d in drafts])
    except Exception as error:
        if len(drafts) == 1:
            log.exception("letter not written", message=drafts[0].c.number)
            return [], [lost_for(drafts[0], Reason.RENDER_FAILED, type(error).__name__)]
    else:
        return [*drafts], []
    middle = len(drafts) // 2
    halves = [_sifted(desk, part) for part in (drafts[:middle], drafts[middle:])]
    return [d for good, _ in halves for d in good], [x for _, lost in halves for x in lost]
