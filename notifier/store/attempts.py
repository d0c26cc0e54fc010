"""Attempts: the permit before a transmission, and the record after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import State

from .db import Columns, fetch, rows
from .direct import Direct
from .documents import ARCHIVED, Codec
from .transitions import Transition, logged


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A permit that no outcome followed."""

    attempt_id: int
    created_at: datetime
    fence: int
    message_id: int
    notice: str
    state: State
    attempts: int
    expires_at: datetime
    most_attempts: int | None


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """An attempt of a message, with the raw reply."""

    attempt_id: int
    created_at: datetime
    number: int
    relay: str
    template_digest: str
    sha256: bytes
    size: int
    outcome: str | None
    command: str | None
    code: int | None
    enhanced: str | None
    tls: str | None
    finished_at: datetime | None
    reply: str | None


class Parcel(NamedTuple):
    """A written message that is about to leave."""

    message_id: int
    fence: int
    relay: str
    digest: str  # of its template version
    sha256: bytes  # of the DATA payload before dot-stuffing
    size: int
    dictionary_id: int  # that the payload is packed with
    body: bytes  # the payload, packed


class Result(NamedTuple):
    """What became of an attempt, and where its message goes because of it."""

    message_id: int
    number: int  # of the attempt, 1 for the first of its message
    fence: int  # of the claim
    attempt_id: int
    permitted_at: datetime  # says in which partition the attempt is
    after: State
    reason: Reason
    outcome: str  # accepted, temporary, permanent, before_data, uncertain, unsent
    retry_at: datetime | None = None
    command: str | None = None
    code: int | None = None
    enhanced: str | None = None
    tls: str | None = None
    reply: str = ""


_PARCELS: Final = Columns(Parcel)

_RESULTS: Final = Columns(Result, reply="bytea")

_PERMITTED: Final = Transition({State.CLAIMED: {State.SENDING}})

_ENDED: Final = Transition(
    {State.SENDING: {State.SENT, State.QUEUED, State.FAILED, State.UNCERTAIN}},
    after="given.after",
    reason="given.reason",
)

_ENDED_LATE: Final = Transition(
    {State.UNCERTAIN: {State.SENT, State.QUEUED, State.FAILED}},
    name="late",
    after="given.after",
    reason="given.reason",
)

_PERMITTED_ROWS = _PERMITTED.moved(
    "given",
    f"""m.message_id = given.message_id AND m.fence = given.fence
      AND {_PERMITTED.where("m.state || ''")} AND m.worker_id = :worker
      AND m.lease_until > clock_timestamp()
      AND EXISTS (SELECT FROM workers w WHERE w.worker_id = :worker AND w.stopped_at IS NULL)""",
    also="attempts = m.attempts + 1, template_digest = given.digest",
    returning="m.attempts, m.created_at",
)

# Rows are given in the order of their ids, and are locked in it: each statement goes through them
# one by one, by the key. ``state || ''`` keeps the planner from the index of all leases instead.
_PERMIT = f"""
WITH given AS (
    SELECT * FROM {_PARCELS.source}
), {_PERMITTED_ROWS}, tried AS (
    INSERT INTO attempts (created_at, message_id, number, worker_id, fence, relay,
        template_digest, sha256, size)
    SELECT :now, message_id, moved.attempts, :worker, given.fence, relay, digest, sha256, size
    FROM moved JOIN given USING (message_id)
    RETURNING attempt_id, message_id
), {ARCHIVED}, {_PERMITTED.logged(attempt="tried")}
SELECT message_id, attempt_id FROM tried
"""

_ENDED_ROWS = _ENDED.moved(
    "given",
    f"""m.message_id = given.message_id AND m.attempts = given.number
      AND m.fence = given.fence AND {_ENDED.where("m.state || ''")} AND m.worker_id = :worker""",
    retry_at="given.retry_at",
    returning="m.notice, given.attempt_id",
)

_ENDED_LATE_ROWS = _ENDED_LATE.moved(
    """given JOIN attempts a
        ON (a.attempt_id, a.created_at) = (given.attempt_id, given.permitted_at)""",
    f"""given.attempt_id NOT IN (SELECT attempt_id FROM moved)
      AND a.worker_id = :worker AND a.outcome IS NULL
      AND m.message_id = given.message_id AND m.attempts = given.number AND m.fence = given.fence
      AND {_ENDED_LATE.where("m.state || ''")} AND given.after <> '{State.UNCERTAIN}'""",
    retry_at="given.retry_at",
    returning="m.notice, given.attempt_id",
)

# A late reply may still say what became of an uncertain mail, as long as the attempt is the
# latest. What was answered goes on record with the attempt in any case.
_RECORD = f"""
WITH given AS (
    SELECT * FROM {_RESULTS.source}
), {_ENDED_ROWS}, {_ENDED_LATE_ROWS}, ended AS (
    SELECT * FROM moved UNION ALL SELECT * FROM late
), finished AS (
    UPDATE attempts a SET outcome = given.outcome, command = given.command, code = given.code,
        enhanced = given.enhanced, tls = given.tls, finished_at = :now
    FROM given
    WHERE a.attempt_id = given.attempt_id AND a.created_at = given.permitted_at
      AND a.worker_id = :worker AND a.outcome IS NULL
    RETURNING a.attempt_id, a.created_at, given.reply
), replied AS (
    INSERT INTO attempt_replies (attempt_id, created_at, reply)
    SELECT attempt_id, created_at, reply FROM finished WHERE length(reply) > 0
), {logged("ended", attempt="ended")}
SELECT message_id, attempt_id, notice FROM ended ORDER BY message_id
"""

_OPEN = """
SELECT a.attempt_id, a.created_at, a.fence, m.message_id, m.notice, m.state, m.attempts,
    m.expires_at, m.most_attempts
FROM attempts a JOIN messages m
    ON (m.message_id, m.attempts, m.fence) = (a.message_id, a.number, a.fence)
WHERE a.worker_id = :worker AND a.outcome IS NULL AND m.state IN ('sending', 'uncertain')
  AND m.message_id IN (
      SELECT message_id FROM messages WHERE state = 'sending' AND worker_id = :worker
      UNION ALL SELECT message_id FROM messages WHERE state = 'uncertain')
ORDER BY a.attempt_id
"""


class Recorded(NamedTuple):
    """An attempt whose outcome is on record."""

    message_id: int
    attempt_id: int
    notice: str


_OF_MESSAGE = """
SELECT a.*, convert_from(r.reply, 'UTF8') AS reply
FROM attempts a LEFT JOIN attempt_replies r USING (attempt_id, created_at)
WHERE a.message_id = :id ORDER BY a.number, a.attempt_id
"""


async def permit(
    conn: AsyncConnection | Direct,
    worker_id: UUID,
    parcels: Sequence[Parcel],
    *,
    actor: Actor,
    now: datetime,
) -> dict[int, int]:
    """Permit transmissions; message id → attempt id. Commit before DATA begins.

    A message that was cancelled meanwhile, or whose claim is no longer this worker's, is left
    out.
    """
    parcels = sorted(parcels, key=lambda parcel: parcel.message_id)
    found = await rows(
        conn,
        _PERMIT,
        {
            **_PARCELS.params(parcels),
            "worker": worker_id,
            "codec": Codec.MAIL,
            "reason": Reason.PERMIT,
            "actor": str(actor),
            "now": now,
        },
    )
    return {r["message_id"]: r["attempt_id"] for r in found}


async def record(
    conn: AsyncConnection | Direct,
    worker_id: UUID,
    results: Sequence[Result],
    *,
    actor: Actor,
    now: datetime,
) -> list[Recorded]:
    """Record outcomes and move the messages; what is on record already is left out.

    Safe to repeat. A worker that was overtaken (another claim, a person's decision) changes
    nothing.
    """
    for after in {result.after for result in results}:
        _ENDED.check(State.SENDING, after)
    results = sorted(results, key=lambda result: result.message_id)
    stamp = {"worker": worker_id, "actor": str(actor), "now": now}
    found = await rows(conn, _RECORD, {**_RESULTS.params(results), **stamp})
    return [Recorded(r["message_id"], r["attempt_id"], r["notice"]) for r in found]


async def unsettled(conn: AsyncConnection, worker_id: UUID) -> Sequence[OpenAttempt]:
    """Permits of a worker that no outcome followed: attempt, message, notice, state, expiry."""
    return await fetch(conn, OpenAttempt, _OPEN, {"worker": worker_id})


async def of_message(conn: AsyncConnection, message_id: int) -> Sequence[AttemptEntry]:
    """The attempts of a message with their raw replies, in order."""
    return await fetch(conn, AttemptEntry, _OF_MESSAGE, {"id": message_id})
