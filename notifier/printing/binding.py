"""Binding: many letters become one file, and each page is looked at before it counts."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb

from notifier.archive.letters import LetterWriter
from notifier.delivery.compose import Lost, Unsendable
from notifier.logs import get_logger
from notifier.model.correspondence import Correspondence
from notifier.model.errors import NotAllowed
from notifier.model.reasons import Reason
from notifier.rendering.errors import LetterError, PiecesRefused, WriteError
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.pdf.content import Drawn
from notifier.rendering.pdf.fonts import Unknown, Unreadable
from notifier.rendering.pdf.layout_check import check_number, check_pages
from notifier.rendering.pdf.reader import Pages
from notifier.rendering.stationery import Stationery
from notifier.rendering.written import Bulk

from .drafting import Draft, envelope_of

log = get_logger(__name__)


class TemplatesChanged(NotAllowed):
    """The templates on the disk are other ones than those of this program: start it anew."""


class Misplaced(Exception):
    """A file of which it cannot be told which page belongs to which letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A file of letters."""

    pdf: bytes
    pages: tuple[int, ...]  # of each letter, in order
    first_pages: tuple[int, ...]  # 1-based
    sha256: bytes


def bind(writer: LetterWriter, letters: Sequence[Correspondence]) -> Bound:
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


def check(bulk: Bulk | Bound, letters: Sequence[Correspondence], stationery: Stationery) -> None:
    """Look at every finished page: whose it is, and where something stands on it.

    Raises :class:`PiecesRefused` with the letters whose pages do not bear their number, or show
    something where the press or the envelope's window does not allow it; :class:`Misplaced` where
    pages cannot be counted to letters at all.
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
            except WriteError as error:
                faults[n] = error
            at += count
    except Unreadable as error:
        raise Misplaced(f"the file cannot be looked through: {error}") from error
    if faults:
        raise PiecesRefused(faults)


def _check_letter(
    pages: Sequence[Sequence[Drawn]], c: Correspondence, stationery: Stationery
) -> None:
    check_number(pages, c)
    margin, descent = stationery.unprintable_mm, typeface(stationery).descent
    check_pages(pages, c, envelope_of(c, stationery), margin, descent)


def bind_all(
    writer: LetterWriter, letters: Sequence[Correspondence]
) -> tuple[list[int], Bound | None, dict[int, WriteError]]:
    """Bind what can be bound: which letters these are, and why the others are not among them.

    Letters are named by their place. One that breaks the typesetter, or spoils the file for the
    others, is found by binding halves. Raises :class:`NotAllowed` for what is no letter's fault.
    """
    good, faults = [*range(len(letters))], dict[int, WriteError]()
    while good:
        try:
            return good, bind(writer, [letters[n] for n in good]), faults
        except PiecesRefused as refused:
            broken = {good[n]: error for n, error in refused.faults.items()}
            broken = broken or _broken(writer, letters, good, refused)
        except NotAllowed:
            raise
        except BrokenExecutor as error:
            text = "the process that sets type was ended from outside"
            raise NotAllowed(text, code="type_process_ended") from error
        except Exception as error:  # noqa: BLE001 (it is named, and held)
            broken = _broken(writer, letters, good, error)
        faults |= broken
        good = [n for n in good if n not in broken]
    return [], None, faults


def _broken(
    writer: LetterWriter, letters: Sequence[Correspondence], among: Sequence[int], error: Exception
) -> dict[int, WriteError]:
    """The letters that cannot be bound, found by binding halves; at least one."""
    if len(among) == 1:
        return {among[0]: error if isinstance(error, WriteError) else _unforeseen(error)}
    middle = len(among) // 2
    found: dict[int, WriteError] = {}
    for half in (among[:middle], among[middle:]):
        good, _, faults = bind_all(writer, [letters[n] for n in half])
        found |= {half[n]: fault for n, fault in faults.items()}
        log.info("letters bound apart", letters=len(half), good=len(good))
    # Each half can be bound, and yet both together cannot: the first one goes.
    return found or {n: _unforeseen(error) for n in among[middle:]}


def _unforeseen(error: Exception) -> WriteError:
    """Its text may quote a letter, and so it is left where it is."""
    frames = extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    log.error("letter not bound", error=type(error).__name__, where=where)
    return WriteError(type(error).__name__, "broke the typesetter")


def lost_all(drafts: Sequence[Draft], faults: Mapping[int, WriteError]) -> list[Lost]:
    """The letters among drafts that cannot go out."""
    return [refused(drafts[n].message_id, drafts[n].c, e) for n, e in sorted(faults.items())]


def refused(message_id: int, c: Correspondence, error: WriteError) -> Lost:
    """A letter that cannot go out, with the reason for which it is held."""
    detail = error.detail if isinstance(error, LetterError) else ""
    reason = error.reason if isinstance(error, LetterError) else Reason.RENDER_FAILED
    log.warning("letter not written", message=c.number, notice=c.notice, field=error.field)
    # The detail is a code point or a count, never a text.
    what = f"{error.field} {detail}".strip()
    return Lost(message_id, c.notice, Unsendable(reason, what))
