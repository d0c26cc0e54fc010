"""Claims: which worker has which message, and what becomes of a claim that is given up.

Business time (``now``) decides what is due and what has expired; a lease runs by the clock of
the database, which all workers share. Every statement locks rows in the order of their ids.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.notice import Lane, UncertainPolicy
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State

from .compose import COLUMNS, JOINS, WANTED, WantedMessage
from .db import fetch, rows, scalar
from .direct import Direct
from .transitions import Transition

_CLAIMED: Final = Transition({State.QUEUED: {State.CLAIMED}}, name="m")

_CLAIMED_ROWS = _CLAIMED.moved(
    "due",
    "m.ctid = due.ctid",
    also="""worker_id = :worker, fence = m.fence + 1,
        lease_until = clock_timestamp() + CAST(:lease AS interval)""",
    returning=f"{WANTED}, m.member_id, m.next_attempt_at",
)

# A claim that a crash of the database takes back was not yet followed by any permit, so that
# this commit need not wait for the disk: hence the last column. Where a message lies is known
# from having locked it.
_CLAIM = f"""
WITH due AS (
    SELECT message_id, ctid FROM messages m
    WHERE lane = :lane AND {_CLAIMED.where()} AND channel = 'email' AND stopped IS NULL
      AND next_attempt_at <= :now AND expires_at > :now
    ORDER BY next_attempt_at, message_id LIMIT :limit FOR UPDATE SKIP LOCKED
), {_CLAIMED_ROWS}, {_CLAIMED.logged()}
SELECT {COLUMNS}, CAST(NULL AS bytea) AS recipient, set_config('synchronous_commit', 'off', true)
FROM m {JOINS} ORDER BY m.next_attempt_at, m.message_id
"""

_RENEW = """
WITH alive AS (
    UPDATE workers SET heartbeat_at = clock_timestamp()
    WHERE worker_id = :worker AND stopped_at IS NULL RETURNING worker_id
), mine AS (
    SELECT message_id FROM messages
    WHERE message_id = ANY(CAST(:ids AS bigint[])) AND worker_id = :worker
      AND state IN ('claimed', 'sending') AND EXISTS (SELECT FROM alive)
    ORDER BY message_id FOR UPDATE SKIP LOCKED
), renewed AS (
    UPDATE messages m SET lease_until = clock_timestamp() + CAST(:lease AS interval)
    FROM mine WHERE m.message_id = mine.message_id
)
SELECT CASE WHEN EXISTS (SELECT FROM alive)
    THEN (SELECT count(*) FROM workers WHERE stopped_at IS NULL) ELSE 0 END
"""

_GIVEN_BACK: Final = Transition({State.CLAIMED: {State.QUEUED}, State.SENDING: {State.QUEUED}})

_GIVEN_BACK_LOCKED = _GIVEN_BACK.locked(
    "m.worker_id = :worker",
    source="messages m JOIN given USING (message_id, fence)",
    columns="given.retry_at",
)

_GIVE_BACK = f"""
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:fences AS bigint[]),
        CAST(:retries AS timestamptz[])) AS g(message_id, fence, retry_at)
), {_GIVEN_BACK_LOCKED}, {_GIVEN_BACK.moved(retry_at="old.retry_at")},
unsent AS (
    UPDATE attempts a SET outcome = 'unsent', finished_at = :now
    FROM given JOIN moved USING (message_id)
    WHERE a.message_id = given.message_id AND a.fence = given.fence AND a.worker_id = :worker
), {_GIVEN_BACK.logged()}
SELECT message_id FROM moved
"""

_EXPIRE = Transition(
    {State.QUEUED: {State.EXPIRED}, State.CLAIMED: {State.EXPIRED}}, channels=Channel
).sweep(
    """m.message_id IN (
        SELECT message_id FROM messages WHERE state = 'queued' AND expires_at <= :now
        UNION ALL
        SELECT message_id FROM messages WHERE state = 'claimed' AND expires_at <= :now)""",
    answer="message_id, notice, channel",
)

# Queued again (by a temporary refusal, say) after its matter had ended.
_STOP = Transition({State.QUEUED: {State.CANCELLED}}, channels=Channel, reason="m.stopped").sweep(
    "m.stopped IS NOT NULL"
)

_LAPSE = Transition({State.CLAIMED: {State.QUEUED}, State.SENDING: {State.UNCERTAIN}}).sweep(
    "m.lease_until <= clock_timestamp()", answer="message_id, after"
)

# Touched at a time that has not come yet: the clock was set back since. As long as it was to wait
# then it waits from now; what was planned for a time of day, before any attempt, keeps that.
_BRING_FORWARD = """
WITH old AS (
    SELECT message_id, updated_at, next_attempt_at FROM messages
    WHERE state = 'queued' AND next_attempt_at > :now AND updated_at > :future
      AND (attempts > 0 OR reason = :shaped OR next_attempt_at <= updated_at)
    ORDER BY message_id LIMIT :limit FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE messages m SET updated_at = :now,
        next_attempt_at = :now + greatest(old.next_attempt_at - old.updated_at, interval '0')
    FROM old WHERE m.message_id = old.message_id RETURNING m.message_id
)
SELECT message_id FROM moved
"""

_UNCLAIM = Transition({State.CLAIMED: {State.QUEUED}}).sweep(
    """m.worker_id = :worker AND (CAST(:lane AS smallint) IS NULL OR m.lane = :lane)
      AND m.message_id <> ALL (CAST(:held AS bigint[]))""",
    limit=False,
)

# How often the policy has sent a message again is in its log.
_PAST = "(SELECT count(*) FROM log l WHERE l.message_id = m.message_id AND l.reason = :reason)"

_RESEND = Transition({State.UNCERTAIN: {State.QUEUED}}).sweep(
    f"""m.channel = 'email' AND m.uncertain_policy = :policy AND m.stopped IS NULL
      AND m.updated_at <= :before AND {_PAST} < :most""",
    also="next_attempt_at = :now",
)

_ASKS = f"""
SELECT m.message_id, m.notice FROM messages m
WHERE m.message_id = ANY(CAST(:ids AS bigint[])) AND m.state = 'uncertain'
  AND (m.uncertain_policy <> :policy OR m.stopped IS NOT NULL OR {_PAST} >= :most)
ORDER BY m.message_id
"""

#: How often a policy sends an uncertain message again before a person is asked.
MOST_RESENDS = 2


class Claim(NamedTuple):
    """A message that a worker has taken. The fence tells this claim from every other."""

    message_id: int
    fence: int


async def claim(
    conn: AsyncConnection | Direct,
    lane: Lane,
    *,
    worker_id: UUID,
    limit: int,
    lease: timedelta,
    actor: Actor,
    now: datetime,
    today: date,
) -> list[WantedMessage]:
    """Take up to ``limit`` due messages of a lane, the longest due first.

    They come with all that the writer needs, as :func:`notifier.store.compose.load` gives it, in
    the same statement: a claim whose messages cannot be read does not stand.
    """
    params = {"lane": int(lane), "worker": worker_id, "limit": limit, "lease": lease}
    stamp = {"reason": Reason.CLAIMED, "actor": str(actor), "now": now, "today": today}
    return await fetch(conn, WantedMessage, _CLAIM, {**params, **stamp})


async def renew(
    conn: AsyncConnection, worker_id: UUID, held: Sequence[int], *, lease: timedelta
) -> int:
    """The heartbeat: renew a worker and the leases of what it holds.

    Returns how many workers there are, or 0 when this one was buried.

    Only what the worker knows that it holds is renewed: a claim whose answer was lost on the
    way must lapse.
    """
    params = {"worker": worker_id, "ids": list(held), "lease": lease}
    return int(await scalar(conn, _RENEW, params))


async def give_back(
    conn: AsyncConnection,
    worker_id: UUID,
    claims: Sequence[Claim],
    *,
    reason: Reason,
    actor: Actor,
    now: datetime,
    retry_at: Sequence[datetime | None] = (),
) -> list[int]:
    """Queue messages again of which the worker knows that nothing has left.

    ``retry_at``: when to come back, one for each; left out: at once.
    """
    given = {
        "ids": [c.message_id for c in claims],
        "fences": [c.fence for c in claims],
        "retries": [*retry_at] or [None] * len(claims),
    }
    params = {"worker": worker_id, "reason": reason, **given}
    found = await rows(conn, _GIVE_BACK, {**params, "actor": str(actor), "now": now})
    return [r["message_id"] for r in found]


async def unclaim(
    conn: AsyncConnection | Direct,
    worker_id: UUID,
    *,
    lane: Lane | None = None,
    held: Sequence[int] = (),
    reason: Reason,
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Queue again what a worker had claimed and not begun: all, or all but what it holds."""
    params = {"worker": worker_id, "lane": lane if lane is None else int(lane), "held": list(held)}
    stamp = {"reason": reason, "actor": str(actor), "now": now}
    return [r["message_id"] for r in await rows(conn, _UNCLAIM, {**params, **stamp})]


async def expire(
    conn: AsyncConnection, *, actor: Actor, now: datetime, limit: int = 1000
) -> list[tuple[int, str]]:
    """End what is no longer worth sending: (message id, notice). What has a permit goes on."""
    params = {"reason": Reason.EXPIRED, "actor": str(actor), "now": now, "limit": limit}
    return [(r["message_id"], r["notice"]) for r in await rows(conn, _EXPIRE, params)]


async def cancel_stopped(
    conn: AsyncConnection, *, actor: Actor, now: datetime, limit: int = 1000
) -> list[int]:
    """Cancel what was queued again although its matter had ended meanwhile."""
    params = {"actor": str(actor), "now": now, "limit": limit}
    return [r["message_id"] for r in await rows(conn, _STOP, params)]


async def bring_forward(
    conn: AsyncConnection, *, future: datetime, now: datetime, limit: int = 1000
) -> list[int]:
    """Let queued messages wait no longer than was meant, after the clock was set back.

    ``future``: what was touched after it was so by another clock than ``now``.
    """
    params = {"now": now, "future": future, "shaped": Reason.SHAPED, "limit": limit}
    return [r["message_id"] for r in await rows(conn, _BRING_FORWARD, params)]


async def lapse(
    conn: AsyncConnection, *, actor: Actor, now: datetime, limit: int = 1000
) -> dict[int, State]:
    """End the leases that ran out: without permit queued, with permit uncertain."""
    params = {"reason": Reason.LEASE_EXPIRED, "actor": str(actor), "now": now, "limit": limit}
    return {r["message_id"]: State(r["after"]) for r in await rows(conn, _LAPSE, params)}


async def resend(
    conn: AsyncConnection, *, wait: timedelta, actor: Actor, now: datetime, limit: int = 1000
) -> list[int]:
    """Queue uncertain messages again whose notice says so, ``wait`` after they became so."""
    params = {"before": now - wait, "limit": limit, "actor": str(actor), "now": now}
    return [r["message_id"] for r in await rows(conn, _RESEND, {**params, **_policy()})]


async def asks(conn: AsyncConnection, ids: Sequence[int]) -> list[tuple[int, str]]:
    """Which of these uncertain messages only a person can settle: (message id, notice)."""
    if not ids:
        return []
    found = await rows(conn, _ASKS, {"ids": list(ids), **_policy()})
    return [(r["message_id"], r["notice"]) for r in found]


def _policy() -> dict[str, object]:
    return {"policy": UncertainPolicy.RESEND, "reason": Reason.POLICY_RESEND, "most": MOST_RESENDS}
