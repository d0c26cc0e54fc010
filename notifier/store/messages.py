"""Messages: creation under the unique key, moves that somebody asks for, and the list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State, sources

from .db import dumps, fetch, fetch_one, rows, run
from .transitions import Transition, check_initial, creation


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One message, without contact data."""

    message_id: int
    token: str
    case_id: int | None
    campaign_id: int | None
    task_id: int | None
    member_id: int | None
    staff_id: int | None
    notice: str
    step: str
    channel: Channel
    generation: int
    scheme: str
    language: str
    lane: int
    state: State
    reason: str
    uncertain_policy: str
    template_digest: str | None
    stopped: str | None
    attempts: int
    created_at: datetime
    updated_at: datetime
    next_attempt_at: datetime
    expires_at: datetime
    worker_id: UUID | None
    fence: int
    most_attempts: int | None
    in_place_of: int | None
    useful_until: date | None
    fallback: str | None
    member_no: str | None
    login: str | None
    facts: Any
    shown: Any
    matter: str


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message in a list."""

    message_id: int
    created_at: datetime
    updated_at: datetime
    notice: str
    step: str
    channel: Channel
    state: State
    reason: str
    attempts: int
    member_no: str | None
    login: str | None
    generation: int
    report: str | None


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message that has not left."""

    message_id: int
    case_id: int | None
    member_id: int | None
    notice: str
    step: str
    channel: Channel
    generation: int
    reason: str


_KEY: Final = "case_id, task_id, member_id, staff_id, notice, step, channel, generation"

_GIVEN: Final = f"""token, {_KEY}, scheme, language, lane, uncertain_policy, most_attempts,
        next_attempt_at, expires_at, useful_until, in_place_of"""

_INSERT = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        n integer, token text, case_id bigint, task_id bigint, member_id bigint, staff_id bigint,
        notice text, step text, channel text, generation integer, scheme text, language text,
        lane smallint, state text, reason text, uncertain_policy text,
        most_attempts smallint,
        next_attempt_at timestamptz, expires_at timestamptz, useful_until date,
        in_place_of bigint, copy smallint, facts jsonb, shown jsonb)
), keyed AS (
    INSERT INTO message_keys (token, {_KEY}, copy)
    SELECT token, {_KEY}, coalesce(copy, 0) FROM given ORDER BY n
    ON CONFLICT DO NOTHING
    RETURNING message_id, token
), accepted AS (
    SELECT keyed.message_id, given.*, s.email_index IS NOT NULL AS suppressed
    FROM keyed JOIN given USING (token)
    LEFT JOIN member_contacts c ON c.member_id = given.member_id
        AND given.channel = 'email' AND given.state = 'queued'
    LEFT JOIN suppressions s ON s.email_index = c.email_index
        AND s.lifted_at IS NULL AND (s.until IS NULL OR s.until > :now)
), {creation(f"message_id, {_GIVEN}", "accepted")}, facts AS (
    INSERT INTO message_facts (message_id, facts, shown)
    SELECT made.message_id, given.facts, given.shown FROM made JOIN given USING (token)
)
SELECT given.n, made.message_id FROM made JOIN given USING (token)
"""

_MOVED: Final = Transition(None, channels=Channel, after="old.after", reason="old.reason")

_MOVED_LOCKED = _MOVED.locked(
    "jsonb_exists(given.sources -> m.channel, m.state)",
    source="messages m JOIN given USING (message_id)",
    columns="given.after, given.reason, given.retry_at",
)

_MOVE = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        message_id bigint, after text, reason text, retry_at timestamptz, sources jsonb)
), {_MOVED_LOCKED}, {_MOVED.moved(retry_at="old.retry_at")},
{_MOVED.logged()}
SELECT message_id FROM moved ORDER BY message_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change of state that is asked for."""

    message_id: int
    after: State
    reason: Reason
    retry_at: datetime | None = None  # with ``queued``: not before
    only_from: tuple[State, ...] = ()  # narrower than the table; empty: all that it allows

    def sources(self, channel: Channel) -> list[State]:
        """Where a message may stand for this move."""
        return [
            s for s in sources(channel, self.after) if not self.only_from or s in self.only_from
        ]


_LIST = """
SELECT m.message_id, m.created_at, m.updated_at, m.notice, m.step, m.channel, m.state, m.reason,
    m.attempts, p.member_no, s.login, m.generation,
    (SELECT matter FROM cases c WHERE c.case_id = m.case_id AND c.member_id IS NULL) AS report
FROM messages m LEFT JOIN members p USING (member_id) LEFT JOIN staff s USING (staff_id)
WHERE (CAST(:state AS text) IS NULL OR m.state = :state)
  AND (CAST(:notice AS text) IS NULL OR m.notice = :notice)
  AND (CAST(:channel AS text) IS NULL OR m.channel = :channel)
  AND (CAST(:reason AS text) IS NULL OR m.reason = :reason)
  AND (CAST(:scheme AS text) IS NULL OR m.scheme = :scheme)
  {0}
ORDER BY m.message_id DESC LIMIT :limit
"""

# Messages are found by case, member and token through their keys, whose indexes those are.
_OF_MEMBER = """AND m.message_id IN (
    SELECT message_id FROM message_keys JOIN members USING (member_id)
    WHERE member_no = :member_no)"""

_STOP = """
UPDATE messages m SET stopped = r.reason, updated_at = :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(message_id bigint, reason text)
WHERE m.message_id = r.message_id AND m.state IN ('sending', 'uncertain')
  AND m.stopped IS NULL
RETURNING m.message_id, m.notice, m.state
"""

_ADD_CAUSES = """
INSERT INTO message_causes (message_id, event_id)
SELECT m, e FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(m bigint, e bigint)
ON CONFLICT DO NOTHING RETURNING message_id
"""

_GET = """
SELECT m.*, p.member_no, s.login, f.facts, f.shown, c.kind AS case_kind, c.matter
FROM messages m JOIN message_facts f USING (message_id)
LEFT JOIN members p USING (member_id) LEFT JOIN staff s USING (staff_id)
LEFT JOIN cases c ON c.case_id = m.case_id
WHERE m.message_id = :id
"""

_LOCK_MEMBERS = """
SELECT FROM members WHERE member_id IN (
    SELECT member_id FROM messages WHERE state = 'held'
      AND (CAST(:reason AS text) IS NULL OR reason = :reason)
      AND (CAST(:ids AS bigint[]) IS NULL OR message_id = ANY(:ids))
      AND (CAST(:members AS bigint[]) IS NULL OR member_id = ANY(:members)))
ORDER BY member_no FOR NO KEY UPDATE
"""

_TAKE_HELD = """
SELECT message_id, case_id, member_id, notice, step, channel, generation, reason
FROM messages WHERE state = 'held'
  AND (CAST(:reason AS text) IS NULL OR reason = :reason)
  AND (CAST(:ids AS bigint[]) IS NULL OR message_id = ANY(:ids))
  AND (CAST(:members AS bigint[]) IS NULL OR member_id = ANY(:members))
ORDER BY message_id FOR UPDATE
"""

_WAITING = """
SELECT message_id, case_id, member_id, notice, step, channel, generation, reason
FROM messages WHERE scheme = :scheme AND state IN ('queued', 'claimed', 'printed')
ORDER BY message_id
"""


async def insert(
    conn: AsyncConnection, new: Sequence[Mapping[str, Any]], *, actor: Actor, now: datetime
) -> dict[int, int]:
    """Store new messages; place in ``new`` → message id. A taken unique key is left out.

    A mail that would be queued for a suppressed address is ``suppressed`` from the start.
    """
    if not new:
        return {}
    for state in {item["state"] for item in new}:
        check_initial(state)
    given = dumps([{**item, "n": n} for n, item in enumerate(new)])
    stamp = {"now": now, "actor": str(actor), "suppressed": Reason.ADDRESS_SUPPRESSED}
    made = await rows(conn, _INSERT, {"rows": given, **stamp})
    return {r["n"]: r["message_id"] for r in made}


async def move(
    conn: AsyncConnection, moves: Iterable[Move], *, actor: Actor, now: datetime
) -> list[int]:
    """Make the moves that the table allows from where each message stands; the ids that moved.

    A message that is elsewhere by now is left alone: whoever was first has decided. A lease
    ends with the move.
    """
    asked = [
        {
            "message_id": m.message_id,
            "after": m.after,
            "reason": m.reason,
            "retry_at": m.retry_at,
            "sources": {str(channel): m.sources(channel) for channel in Channel},
        }
        for m in moves
    ]
    if not asked:
        return []
    found = await rows(conn, _MOVE, {"rows": dumps(asked), "now": now, "actor": str(actor)})
    return [r["message_id"] for r in found]


async def stop(
    conn: AsyncConnection, stopped: Mapping[int, Reason], *, now: datetime
) -> list[tuple[int, str]]:
    """Mark messages that are at the relay, or may be, and must not be tried again.

    Message id → why. Returns (message id, notice) of those that are uncertain: whether they have
    arrived only a person can settle now.
    """
    given = [{"message_id": m, "reason": reason} for m, reason in stopped.items()]
    if not given:
        return []
    found = await rows(conn, _STOP, {"rows": dumps(given), "now": now})
    return [(r["message_id"], r["notice"]) for r in found if r["state"] == "uncertain"]


async def add_causes(conn: AsyncConnection, pairs: Iterable[tuple[int, int]]) -> None:
    """Link (message id, event id) pairs."""
    given = [{"m": m, "e": e} for m, e in pairs]
    if given:
        await rows(conn, _ADD_CAUSES, {"rows": dumps(given)})


async def get(conn: AsyncConnection, message_id: int) -> MessageRecord | None:
    """One message with its member's or staff member's number, without contact data."""
    return await fetch_one(conn, MessageRecord, _GET, {"id": message_id})


async def search(
    conn: AsyncConnection,
    *,
    state: str | None = None,
    reason: str | None = None,
    notice: str | None = None,
    channel: str | None = None,
    member_no: str | None = None,
    scheme: str | None = None,
    limit: int = 50,
) -> Sequence[ListedMessage]:
    """The newest messages that match all given filters."""
    return await fetch(
        conn,
        ListedMessage,
        _LIST.format(_OF_MEMBER if member_no else ""),
        {
            "state": state,
            "reason": reason,
            "scheme": scheme,
            "notice": notice,
            "channel": channel,
            "member_no": member_no,
            "limit": limit,
        },
    )


async def held(
    conn: AsyncConnection,
    *,
    reason: str | None = None,
    ids: Sequence[int] | None = None,
    member_ids: Sequence[int] | None = None,
) -> Sequence[WaitingMessage]:
    """Held messages, taken for this transaction, that match all given filters."""
    filters = {
        "reason": reason,
        "ids": None if ids is None else list(ids),
        "members": None if member_ids is None else list(member_ids),
    }
    # Members first, in order, as everybody else takes them: so that nobody waits in a circle.
    await run(conn, _LOCK_MEMBERS, filters)
    return await fetch(conn, WaitingMessage, _TAKE_HELD, filters)


async def waiting(conn: AsyncConnection, scheme: str) -> Sequence[WaitingMessage]:
    """Messages of a scheme that have not left and are not held, as :func:`held` gives them."""
    return await fetch(conn, WaitingMessage, _WAITING, {"scheme": scheme})
