"""Attempts: the permit before a transmission, and the record after it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State, check_move

from .db import rows
from .direct import Direct
from .documents import ARCHIVED, Codec

# Rows are given in the order of their ids, and are locked in it: each statement goes through them
# one by one, by the key. ``state || ''`` keeps the planner from the index of all leases instead.
_PERMIT = f"""
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:fences AS bigint[]),
        CAST(:relays AS text[]), CAST(:digests AS text[]), CAST(:hashes AS bytea[]),
        CAST(:sizes AS integer[]), CAST(:dictionaries AS bigint[]), CAST(:bodies AS bytea[]))
        AS g(message_id, fence, relay, digest, sha256, size, dictionary_id, body)
), moved AS (
    UPDATE messages m SET state = 'sending', reason = :reason, updated_at = :now,
        attempts = m.attempts + 1, template_digest = given.digest
    FROM given
    WHERE m.message_id = given.message_id AND m.fence = given.fence
      AND m.state || '' = 'claimed' AND m.worker_id = :worker
      AND m.lease_until > clock_timestamp()
      AND EXISTS (SELECT FROM workers w WHERE w.worker_id = :worker AND w.stopped_at IS NULL)
    RETURNING m.message_id, m.case_id, m.attempts, m.created_at
), tried AS (
    INSERT INTO attempts (created_at, message_id, number, worker_id, fence, relay,
        template_digest, sha256, size)
    SELECT :now, message_id, moved.attempts, :worker, given.fence, relay, digest, sha256, size
    FROM moved JOIN given USING (message_id)
    RETURNING attempt_id, message_id
), {ARCHIVED}, logged AS (
    INSERT INTO log (at, kind, actor, message_id, case_id, attempt_id, before, after, reason)
    SELECT :now, 'move', :actor, message_id, case_id, attempt_id, 'claimed', 'sending', :reason
    FROM moved JOIN tried USING (message_id)
)
SELECT message_id, attempt_id FROM tried
"""

# A late reply may still settle what has become uncertain, as long as the attempt is the latest.
# What was answered goes on record with the attempt in any case.
_RECORD = """
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:numbers AS integer[]),
        CAST(:fences AS bigint[]), CAST(:attempts AS bigint[]), CAST(:begun AS timestamptz[]),
        CAST(:afters AS text[]), CAST(:reasons AS text[]), CAST(:retries AS timestamptz[]),
        CAST(:outcomes AS text[]), CAST(:commands AS text[]), CAST(:codes AS smallint[]),
        CAST(:enhanced AS text[]), CAST(:tls AS text[]), CAST(:replies AS bytea[]))
        AS g(message_id, number, fence, attempt_id, created_at, after, reason, retry_at, outcome,
            command, code, enhanced, tls, reply)
), moved AS (
    UPDATE messages m SET state = given.after, reason = given.reason, updated_at = :now,
        next_attempt_at = coalesce(given.retry_at, m.next_attempt_at),
        worker_id = NULL, lease_until = NULL
    FROM given
    WHERE m.message_id = given.message_id AND m.attempts = given.number
      AND m.fence = given.fence AND m.state || '' = 'sending' AND m.worker_id = :worker
    RETURNING m.message_id, m.case_id, m.notice, given.attempt_id, given.after, given.reason
), late AS (
    UPDATE messages m SET state = given.after, reason = given.reason, updated_at = :now,
        next_attempt_at = coalesce(given.retry_at, m.next_attempt_at)
    FROM given JOIN attempts a USING (attempt_id, created_at)
    WHERE given.attempt_id NOT IN (SELECT attempt_id FROM moved)
      AND a.worker_id = :worker AND a.outcome IS NULL
      AND m.message_id = given.message_id AND m.attempts = given.number
      AND m.fence = given.fence AND m.state || '' = 'uncertain' AND given.after <> 'uncertain'
    RETURNING m.message_id, m.case_id, m.notice, given.attempt_id, given.after, given.reason
), settled AS (
    SELECT *, 'sending' AS before FROM moved UNION ALL SELECT *, 'uncertain' FROM late
), finished AS (
    UPDATE attempts a SET outcome = given.outcome, command = given.command, code = given.code,
        enhanced = given.enhanced, tls = given.tls, finished_at = :now
    FROM given
    WHERE a.attempt_id = given.attempt_id AND a.created_at = given.created_at
      AND a.worker_id = :worker AND a.outcome IS NULL
    RETURNING a.attempt_id, a.created_at, given.reply
), replied AS (
    INSERT INTO attempt_replies (attempt_id, created_at, reply)
    SELECT attempt_id, created_at, reply FROM finished WHERE length(reply) > 0
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, case_id, attempt_id, before, after, reason)
    SELECT :now, 'move', :actor, message_id, case_id, attempt_id, before, after, reason FROM settled
)
SELECT message_id, attempt_id, notice FROM settled ORDER BY message_id
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


class Recorded(NamedTuple):
    """An attempt whose outcome is on record."""

    message_id: int
    attempt_id: int
    notice: str


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
            "ids": [p.message_id for p in parcels],
            "fences": [p.fence for p in parcels],
            "relays": [p.relay for p in parcels],
            "digests": [p.digest for p in parcels],
            "hashes": [p.sha256 for p in parcels],
            "sizes": [p.size for p in parcels],
            "dictionaries": [p.dictionary_id for p in parcels],
            "bodies": [p.body for p in parcels],
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
        check_move(Channel.EMAIL, State.SENDING, after)
    results = sorted(results, key=lambda result: result.message_id)
    found = await rows(
        conn,
        _RECORD,
        {
            "ids": [r.message_id for r in results],
            "numbers": [r.number for r in results],
            "fences": [r.fence for r in results],
            "attempts": [r.attempt_id for r in results],
            "begun": [r.permitted_at for r in results],
            "afters": [r.after for r in results],
            "reasons": [r.reason for r in results],
            "retries": [r.retry_at for r in results],
            "outcomes": [r.outcome for r in results],
            "commands": [r.command for r in results],
            "codes": [r.code for r in results],
            "enhanced": [r.enhanced for r in results],
            "tls": [r.tls for r in results],
            "replies": [r.reply.encode("utf-8", "replace") for r in results],
            "worker": worker_id,
            "actor": str(actor),
            "now": now,
        },
    )
    return [Recorded(r["message_id"], r["attempt_id"], r["notice"]) for r in found]


async def unsettled(conn: AsyncConnection, worker_id: UUID) -> Sequence[RowMapping]:
    """Permits of a worker that no outcome followed: attempt, message, notice, state, expiry."""
    return await rows(conn, _OPEN, {"worker": worker_id})


async def of_message(conn: AsyncConnection, message_id: int) -> Sequence[RowMapping]:
    """The attempts of a message with their raw replies, in order."""
    return await rows(
        conn,
        """SELECT a.*, convert_from(r.reply, 'UTF8') AS reply
           FROM attempts a LEFT JOIN attempt_replies r USING (attempt_id, created_at)
           WHERE a.message_id = :id ORDER BY a.number, a.attempt_id""",
        {"id": message_id},
    )
