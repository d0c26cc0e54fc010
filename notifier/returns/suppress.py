"""What returns mean for the addresses of their messages: suppressed, cleared, counted."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.message import public_number
from notifier.model.suppression import SOFT_LIMIT, SuppressionReason
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import suppressions, tasks
from notifier.store.messages import Move
from notifier.store.suppressions import Suppression

from .judge import Verdict, Weight


async def suppress(
    conn: AsyncConnection,
    verdicts: Iterable[Verdict],
    *,
    actor: Actor,
    now: datetime,
    direct: Sequence[str] = (),
) -> list[Move]:
    """Take what was judged to the addresses; the moves of what waits for those.

    The entries of the verdicts are on record already.
    """
    weighed = list({v.about.message_id: v for v in verdicts if v.weight and v.about}.values())
    proven = [
        (v.about.email_index, v.about.sent_at)
        for v in weighed
        if v.weight is Weight.SUCCESS and v.about and v.about.email_index and v.about.sent_at
    ]
    await suppressions.clear(conn, proven, note="delivered", actor=actor, now=now)
    soft = [
        i for v in weighed if v.weight is Weight.SOFT and v.about and (i := v.about.email_index)
    ]
    days = await suppressions.soft_days(conn, soft, direct=direct)
    given = []
    for v in weighed:
        count = days.get(v.about.email_index or b"", 0) if v.about else 0
        if (reason := _reason(v, count)) and (made := _suppression(v, reason, now)):
            given.append((v, made))
    indexes = await suppressions.set_all(conn, [s for _, s in given], actor=actor, now=now)
    await tasks.raise_all(conn, _unreachable(v for v, _ in given), actor=actor, now=now)
    return suppressions.stops(
        await suppressions.to_stop(conn, now=now, indexes=indexes) if indexes else []
    )


def _reason(verdict: Verdict, soft_days: int) -> SuppressionReason | None:
    if verdict.weight is Weight.HARD:
        return SuppressionReason.HARD_BOUNCE
    if verdict.weight is Weight.COMPLAINT:
        return SuppressionReason.COMPLAINT
    if verdict.weight is Weight.SOFT and soft_days >= SOFT_LIMIT:
        return SuppressionReason.SOFT_BOUNCES
    return None


def _suppression(verdict: Verdict, reason: SuppressionReason, now: datetime) -> Suppression | None:
    about, entry = verdict.about, verdict.entry
    if about is None or entry is None or about.address is None:
        return None
    return Suppression(
        address=about.address,
        reason=reason,
        since=now,
        detail=entry.reason,
        return_id=entry.return_id,
        message_id=about.message_id,
    )


def _unreachable(verdicts: Iterable[Verdict]) -> Iterator[TaskDraft]:
    """Where no letter can take the place of mails, a person must."""
    for about in (v.about for v in verdicts):
        if about and not about.by_post:
            number = public_number(about.message_id)
            details = {"message": number, "notice": about.notice}
            yield TaskDraft(kind=TaskKind.SUPPRESSED_ADDRESS, key=number, details=details)
