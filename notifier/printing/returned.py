"""Letters that the post brought back: found by their number, or by the press's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.batch import batch_name
from notifier.model.errors import BadInput, FieldError
from notifier.model.message import message_number, public_number
from notifier.model.reasons import Reason
from notifier.model.returned import ReturnedReason
from notifier.model.states import State
from notifier.rules.calendar import japan_date
from notifier.store import pieces

from .context import chunks, move_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A letter that came back, as a person or a scanner has noted it."""

    line: int  # 1-based, in its file
    reason: ReturnedReason
    number: str = ""  # of the letter, M000000001
    press_id: str = ""  # 管理番号 of the press; one of the two
    batch: str = ""  # B000001, where a press uses its numbers again
    on: date | None = None  # when it came back; None: today


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtBack:
    """What came of it."""

    returned: int
    known: int  # on record already


async def bring_back(
    conn: AsyncConnection, lines: Sequence[Returned], *, actor: Actor, now: datetime
) -> BroughtBack:
    """Note letters as returned, all or none.

    The same again changes nothing. Raises :class:`BadInput` naming line and field of whatever
    names no letter of ours, not just one, or one that was not posted.
    """
    ids = [message_number(one.number) for one in lines if one.number]
    found = await pieces.named(conn, ids, [one.press_id for one in lines if one.press_id])
    fresh: list[tuple[pieces.NamedPiece, Returned]] = []
    wrong: list[FieldError] = []
    twice = Counter(_key(one) for one in lines)
    for one in lines:
        piece = _piece(one, found)
        if isinstance(piece, FieldError):
            wrong.append(piece)
        elif problem := _problem(one, piece, japan_date(now), twice):
            wrong.append(problem)
        elif piece.state != State.RETURNED:
            fresh.append((piece, one))
    if wrong:
        raise BadInput(wrong)
    for some in chunks(fresh):
        await pieces.bring_back(conn, [_kept(p, one, japan_date(now)) for p, one in some])
    moved = [piece.message_id for piece, _ in fresh]
    await move_all(conn, moved, State.POSTED, State.RETURNED, Reason.RETURNED, actor=actor, now=now)
    return BroughtBack(returned=len(fresh), known=len(lines) - len(fresh))


def _key(one: Returned) -> tuple[str, str]:
    return one.number or one.press_id, "" if one.number else one.batch


def _piece(one: Returned, found: Sequence[pieces.NamedPiece]) -> pieces.NamedPiece | FieldError:
    """The piece that a line is about: the latest print of its letter."""
    if one.number:
        wanted = message_number(one.number)
        fits = [p for p in found if p.message_id == wanted and p.its_own]
        field, value = "番号", one.number
    else:
        fits = [p for p in found if p.press_id == one.press_id]
        fits = [p for p in fits if not one.batch or batch_name(p.batch_id) == one.batch]
        field, value = "管理番号", one.press_id
    if not fits:
        return FieldError(field, "returned_no_piece", {"value": value}, line=one.line)
    if len(fits) > 1:
        names = ", ".join(batch_name(p.batch_id) for p in fits)
        return FieldError(field, "returned_several", {"batches": names}, line=one.line)
    return fits[0]


def _problem(
    one: Returned, piece: pieces.NamedPiece, today: date, twice: Mapping[tuple[str, str], int]
) -> FieldError | None:
    if twice[_key(one)] > 1:
        field = "番号" if one.number else "管理番号"
        return FieldError(field, "ack_twice", {"value": _key(one)[0]}, line=one.line)
    own = piece.its_own and piece.state in (State.POSTED, State.RETURNED)
    if not own or piece.posted_on is None:
        value = {"number": public_number(piece.message_id), "state": piece.state}
        return FieldError("番号", "returned_not_posted", value, line=one.line)
    if not piece.posted_on <= (one.on or today) <= today:
        value = {"first": piece.posted_on.isoformat(), "last": today.isoformat()}
        return FieldError("返送日", "ack_bad_day", value, line=one.line)
    return None


def _kept(piece: pieces.NamedPiece, one: Returned, today: date) -> dict[str, object]:
    return {
        "message_id": piece.message_id,
        "batch_id": piece.batch_id,
        "returned_on": one.on or today,
        "reason": one.reason,
    }
