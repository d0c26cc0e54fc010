"""What the press says became of the pieces of a batch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from notifier.model.actor import Actor
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import FieldError, NotFound
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.task import TaskDraft, TaskKind
from notifier.rules.calendar import japan_date
from notifier.store import batches, pieces, tasks

from .context import PrintingContext, chunks, in_state, move_all


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementRow:
    """A row of an acknowledgement."""

    line: int  # 1-based, in its file
    serial: int  # 通番 of the manifest
    number: str  # of the letter; empty: not given
    press_id: str  # 管理番号 of the press
    posted_on: date | None  # None: withdrawn, it was not posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What came of an acknowledgement."""

    posted: int
    withdrawn: int
    known: int  # rows that said what was on record already
    missing: int  # pieces of which the press has said nothing yet
    wrong: tuple[FieldError, ...]  # rows that were not kept


async def acknowledge(
    context: PrintingContext, batch_id: int, lines: Sequence[AcknowledgementRow], *, actor: Actor
) -> Acknowledged:
    """Keep what the press says; a row that is wrong is named, and the others count.

    The same rows again change nothing. Raises :class:`NotFound`, and :class:`NotAllowed` for a
    batch that the press does not have.
    """
    now = context.now()
    async with context.engine.begin() as conn:
        batch = await batches.get(conn, batch_id, lock=True)
        name = batch_name(batch_id)
        if batch is None:
            raise NotFound("batch", name)
        if batch.state not in (BatchState.HANDED_OVER, BatchState.POSTED):
            raise in_state(batch)
        found = await pieces.of_batch(conn, batch_id, lock=True)
        first = japan_date(batch.handed_over_at or now)
        read = _read(lines, found, first=first, today=japan_date(now))
        posted = [(p, x) for p, x in read.new if x.posted_on is not None]
        back = [p.message_id for p, x in read.new if x.posted_on is None]
        for some in chunks(posted):
            await pieces.acknowledge(conn, batch_id, [_kept(p, x) for p, x in some])
        ids = [p.message_id for p, _ in posted]
        await move_all(
            conn, ids, State.HANDED_OVER, State.POSTED, Reason.POSTED, actor=actor, now=now
        )
        await move_all(
            conn, back, State.HANDED_OVER, State.FAILED, Reason.WITHDRAWN, actor=actor, now=now
        )
        vain = [p for p, _ in posted if p.withdrawn_at is not None]
        await tasks.raise_all(conn, [_in_vain(name, p) for p in vain], actor=actor, now=now)
        await batches.all_posted(conn, batch_id)
    return Acknowledged(
        posted=len(posted),
        withdrawn=len(back),
        known=read.known,
        missing=sum(p.state == State.HANDED_OVER for p in found) - len(read.new),
        wrong=tuple(read.wrong),
    )


def _kept(piece: pieces.PrintedPiece, line: AcknowledgementRow) -> dict[str, object]:
    return {
        "message_id": piece.message_id,
        "press_id": line.press_id,
        "posted_on": line.posted_on,
    }


def _in_vain(batch: str, piece: pieces.PrintedPiece) -> TaskDraft:
    number = public_number(piece.message_id)
    details = {"batch": batch, "message": number}
    return TaskDraft(kind=TaskKind.POSTED_IN_VAIN, key=number, details=details)


@dataclass(frozen=True, slots=True)
class _Read:
    new: list[tuple[pieces.PrintedPiece, AcknowledgementRow]]
    known: int
    wrong: list[FieldError]


def _read(
    lines: Sequence[AcknowledgementRow],
    found: Iterable[pieces.PrintedPiece],
    *,
    first: date,
    today: date,
) -> _Read:
    """Each row against the record; ``first``: the day of the hand-over."""
    by_serial = {p.serial: p for p in found}
    by_press_id = {p.press_id: p for p in by_serial.values() if p.press_id}
    twice = _Twice.of(lines)
    read = _Read([], 0, [])
    known = 0
    for line in lines:
        piece = by_serial.get(line.serial)
        wrong = twice.wrong(line) or _wrong(line, piece, by_press_id, first, today)
        if wrong is not None:
            read.wrong.append(wrong)
        elif piece is not None and _is_known(line, piece):
            known += 1
        elif piece is not None:
            read.new.append((piece, line))
    return _Read(read.new, known, read.wrong)


@dataclass(frozen=True, slots=True)
class _Twice:
    """Which of several rows is right only the press can say: none of them is kept."""

    serials: Mapping[int, int]
    press_ids: Mapping[str, int]

    @classmethod
    def of(cls, lines: Sequence[AcknowledgementRow]) -> "_Twice":
        return cls(
            Counter(x.serial for x in lines), Counter(x.press_id for x in lines if x.press_id)
        )

    def wrong(self, line: AcknowledgementRow) -> FieldError | None:
        if self.serials[line.serial] > 1:
            return FieldError("通番", "ack_twice", {"value": line.serial}, line=line.line)
        if line.press_id and self.press_ids[line.press_id] > 1:
            return FieldError("管理番号", "ack_twice", {"value": line.press_id}, line=line.line)
        return None


def _is_known(line: AcknowledgementRow, piece: pieces.PrintedPiece) -> bool:
    if line.posted_on is None:
        return bool(piece.state == State.FAILED and piece.reason == Reason.WITHDRAWN)
    return bool(piece.press_id == line.press_id and piece.posted_on == line.posted_on)


def _wrong(
    line: AcknowledgementRow,
    piece: pieces.PrintedPiece | None,
    by_press_id: Mapping[str, pieces.PrintedPiece],
    first: date,
    today: date,
) -> FieldError | None:
    if piece is None:
        return FieldError("通番", "ack_no_piece", {"value": line.serial}, line=line.line)
    number = public_number(piece.message_id)
    if line.number and line.number != number:
        return FieldError("番号", "ack_other_letter", {"number": number}, line=line.line)
    other = by_press_id.get(line.press_id)
    if other is not None and other.message_id != piece.message_id:
        return FieldError("管理番号", "ack_taken", {"serial": other.serial}, line=line.line)
    if _is_known(line, piece):
        return None
    return _contradiction(line, piece, first, today)


def _contradiction(
    line: AcknowledgementRow, piece: pieces.PrintedPiece, first: date, today: date
) -> FieldError | None:
    if piece.press_id:
        value = {"press_id": piece.press_id, "day": str(piece.posted_on)}
        return FieldError("管理番号", "ack_known_otherwise", value, line=line.line)
    if not piece.its_own or piece.state != State.HANDED_OVER:
        value = {"state": piece.state}
        return FieldError("通番", "ack_wrong_state", value, line=line.line)
    if line.posted_on is None and piece.withdrawn_at is None:
        return FieldError("結果", "ack_not_withdrawn", line=line.line)
    if line.posted_on is not None and not first <= line.posted_on <= today:
        value = {"first": first.isoformat(), "last": today.isoformat()}
        return FieldError("差出日", "ack_bad_day", value, line=line.line)
    return None
