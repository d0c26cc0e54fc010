"""Resolving what dead workers left behind, by their journals and by the written policies."""

import contextlib
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.logs import get_logger
from notifier.model.actor import system
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.task import uncertain
from notifier.store import attempts, claims, tasks, workers
from notifier.store.attempts import Result

from .journal import Orphan, orphans
from .outcomes import Attempt, expired_tasks, result_of
from .recorder import record
from .replies import Outcome

log = get_logger(__name__)

ACTOR: Final = system("sweep")
#: How long an uncertain message waits for a sign of the relay before its policy sends it again.
RESEND_WAIT: Final = timedelta(minutes=15)
_MOST: Final = 1000  # messages in one transaction
#: By how much the clocks of two machines may differ without anybody having set one.
_SKEW: Final = timedelta(minutes=2)


async def sweep(engine: AsyncEngine, journals: Path, *, lease: timedelta, now: datetime) -> None:
    """All that time and deaths bring to delivery. Safe to run at once in every process.

    Journals come first: they know what a lapsed lease can only guess.
    """
    await resolve_dead_workers(engine, journals, now=now)
    async with engine.begin() as conn:
        await workers.bury(conn, silent=2 * lease)
    for step in (_lapse, _resend, _stop, _expire, _bring_forward):
        more = True
        while more:
            async with engine.begin() as conn:
                more = await step(conn, now) >= _MOST


async def resolve_dead_workers(engine: AsyncEngine, journals: Path, *, now: datetime) -> int:
    """Settle the permits and claims of workers of this host that are dead; how many workers."""
    count = 0
    with contextlib.closing(orphans(journals)) as found:
        for orphan in found:
            async with engine.begin() as conn:
                await _settle(conn, orphan, now)
            count += 1
            log.info("journal settled", worker=str(orphan.worker_id), begun=len(orphan.begun))
    return count


async def _settle(conn: AsyncConnection, orphan: Orphan, now: datetime) -> None:
    who = orphan.worker_id
    await workers.stop(conn, who)
    await claims.unclaim(conn, who, reason=Reason.JOURNAL_UNSENT, actor=ACTOR, now=now)
    found = await attempts.unsettled(conn, who)
    results = [_result(row, orphan, now) for row in found]
    await record(conn, who, results, actor=ACTOR, now=now)


def _result(row: attempts.OpenAttempt, orphan: Orphan, now: datetime) -> Result:
    """What the journal says of a permit."""
    attempt = Attempt(
        attempt_id=row.attempt_id,
        message_id=row.message_id,
        number=row.attempts,
        fence=row.fence,
        expires_at=row.expires_at,
        permitted_at=row.created_at,
        most=row.most_attempts,
    )
    reply = orphan.replies.get(attempt.attempt_id)
    if reply is not None:
        result = result_of(attempt, reply, now=now, dice=random.random)
        told = reply.outcome is not Outcome.UNCERTAIN
        return result._replace(reason=Reason.JOURNAL_REPLY) if told else result
    if attempt.attempt_id in orphan.begun:
        after, reason, outcome = State.UNCERTAIN, Reason.BROKEN_AFTER_DATA, "uncertain"
    else:
        after, reason, outcome = State.QUEUED, Reason.JOURNAL_UNSENT, "unsent"
    return Result(
        message_id=attempt.message_id,
        number=attempt.number,
        fence=attempt.fence,
        attempt_id=attempt.attempt_id,
        permitted_at=attempt.permitted_at,
        after=after,
        reason=reason,
        outcome=outcome,
    )


async def _bring_forward(conn: AsyncConnection, now: datetime) -> int:
    moved = await claims.bring_forward(conn, future=now + _SKEW, now=now, limit=_MOST)
    if moved:
        log.warning("clock was set back", messages=len(moved))
    return len(moved)


async def _lapse(conn: AsyncConnection, now: datetime) -> int:
    lapsed = await claims.lapse(conn, actor=ACTOR, now=now, limit=_MOST)
    unclear = [message_id for message_id, after in lapsed.items() if after is State.UNCERTAIN]
    drafts = [uncertain(*found) for found in await claims.asks(conn, unclear)]
    await tasks.raise_all(conn, drafts, actor=ACTOR, now=now)
    return len(lapsed)


async def _resend(conn: AsyncConnection, now: datetime) -> int:
    return len(await claims.resend(conn, wait=RESEND_WAIT, actor=ACTOR, now=now, limit=_MOST))


async def _stop(conn: AsyncConnection, now: datetime) -> int:
    return len(await claims.cancel_stopped(conn, actor=ACTOR, now=now, limit=_MOST))


async def _expire(conn: AsyncConnection, now: datetime) -> int:
    ended = await claims.expire(conn, actor=ACTOR, now=now, limit=_MOST)
    await tasks.raise_all(conn, expired_tasks(ended), actor=ACTOR, now=now)
    return len(ended)
