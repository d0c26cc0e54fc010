"""Messages that say something else before they leave, or tell of several cases at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State

from .db import dumps, fetch, row, rows, run
from .transitions import Transition


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message that has not left and says something of the kind."""

    n: int
    message_id: int
    facts: Any


@dataclass(frozen=True, slots=True)
class ToldMessage:
    """A message that tells of several cases and has not left."""

    message_id: int
    case_id: int
    member_id: int
    notice: str
    step: str
    channel: Channel
    scheme: str
    language: str
    state: State
    reason: str
    useful_until: date | None
    facts: Any
    caused: bool
    told: Any


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """What cases of a member say by themselves."""

    member_id: int
    source: str
    scheme: str
    notice: str


# The cases of each row are looked up by the index of the keys, one row after the other: where a
# table has grown too fast to be analyzed, a plain join of them would read it all.
_CASES = (
    "k.case_id = ANY(ARRAY(SELECT CAST(c AS bigint) FROM jsonb_array_elements_text(r.cases) c))"
)

# What a letter in place of a mail says beside what the mail said makes no difference.
_RECENTLY_SENT = f"""
SELECT r.n, x.message_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(n integer, cases jsonb, notice text, step text,
        since timestamptz, facts jsonb)
CROSS JOIN LATERAL (
    SELECT max(k.message_id) AS message_id
    FROM message_keys k JOIN messages m USING (message_id) JOIN message_facts f USING (message_id)
    WHERE {_CASES} AND (k.notice, k.step) = (r.notice, r.step)
      AND m.created_at > r.since AND f.facts - 'mailed_on' = r.facts
      AND m.state NOT IN ('cancelled', 'expired', 'failed', 'suppressed', 'bounced')
) x
WHERE x.message_id IS NOT NULL
"""

_WAITING = f"""
SELECT r.n, x.message_id,
    (SELECT f.facts FROM message_facts f WHERE f.message_id = x.message_id) AS facts
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(n integer, cases jsonb, notice text, step text,
        channel text)
CROSS JOIN LATERAL (
    SELECT min(k.message_id) AS message_id
    FROM message_keys k JOIN messages m USING (message_id)
    WHERE {_CASES} AND (k.notice, k.step, k.channel) = (r.notice, r.step, r.channel)
      AND m.state IN ('queued', 'claimed') AND m.stopped IS NULL
) x
WHERE x.message_id IS NOT NULL
"""

# A claim ends with the change: what the worker has written from the old facts gets no permit, and
# a claim that begins at the same moment misses the row, which is another version now.
_AMENDED: Final = Transition(
    {
        State.HELD: {State.HELD},
        State.QUEUED: {State.QUEUED},
        State.CLAIMED: {State.QUEUED},
        State.PRINTED: {State.QUEUED},
    },
    channels=Channel,
    reason="m.reason",
    logged_reason=":reason",
    kind="amend",
)

_AMEND = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        message_id bigint, facts jsonb, shown jsonb)
), {_AMENDED.locked(source="messages m JOIN given USING (message_id)")},
{_AMENDED.moved()}, facts AS (
    UPDATE message_facts f SET facts = given.facts, shown = given.shown
    FROM given JOIN moved USING (message_id) WHERE f.message_id = given.message_id
), {_AMENDED.logged()}
SELECT message_id FROM moved
"""

_TOLD = """
SELECT m.message_id, m.case_id, m.member_id, m.notice, m.step, m.channel, m.scheme, m.language,
    m.state, m.reason, m.useful_until, f.facts,
    EXISTS (SELECT FROM message_causes e WHERE e.message_id = m.message_id) AS caused,
    (SELECT jsonb_agg(jsonb_build_object('case_id', c.case_id, 'matter', c.matter,
            'opener', c.opener, 'generation', x.generation,
            'is_open', c.state = 'open' OR c.closed_at <= m.created_at)
            ORDER BY x.place, c.case_id)
     FROM (SELECT 1 AS place, m.case_id, m.generation
           UNION ALL
           SELECT 2, t.case_id, t.generation FROM message_cases t
           WHERE t.message_id = m.message_id) x JOIN cases c ON c.case_id = x.case_id) AS told
FROM messages m JOIN message_facts f USING (message_id)
WHERE m.message_id = ANY(CAST(:ids AS bigint[]))
  AND EXISTS (SELECT FROM message_cases t WHERE t.message_id = m.message_id)
  AND m.state IN ('held', 'queued', 'claimed', 'printed')
ORDER BY m.message_id
"""

_READDRESS = """
WITH m AS (UPDATE messages SET channel = :channel, expires_at = :expires
           WHERE message_id = :id AND state = 'held' RETURNING message_id),
     k AS (UPDATE message_keys k SET channel = :channel FROM m
           WHERE k.message_id = m.message_id)
UPDATE message_facts f
SET facts = CAST(:facts AS jsonb), shown = CAST(:shown AS jsonb) FROM m
WHERE f.message_id = m.message_id RETURNING f.message_id
"""

_PLANNED_NOTICES = """
SELECT DISTINCT k.member_id, c.source, c.scheme, k.notice
FROM message_keys k JOIN messages m USING (message_id) JOIN cases c
    ON c.case_id = k.case_id
WHERE k.member_id = ANY(CAST(:ids AS bigint[]))
  AND k.notice = ANY(CAST(:notices AS text[]))
  AND m.state NOT IN ('held', 'cancelled', 'expired', 'suppressed')
  AND NOT EXISTS (SELECT FROM message_causes e WHERE e.message_id = k.message_id)
  AND (m.next_attempt_at AT TIME ZONE 'Asia/Tokyo')::date >= :day
"""

_ADD_CASES = """
INSERT INTO message_cases (message_id, case_id, generation)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    message_id bigint, case_id bigint, generation integer)
ON CONFLICT (message_id, case_id) DO UPDATE SET generation = excluded.generation
"""

_DROP_CASES = """
DELETE FROM message_cases t
USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(m bigint, c bigint)
WHERE (t.message_id, t.case_id) = (r.m, r.c)
"""


async def recently_sent(
    conn: AsyncConnection, asked: Sequence[Mapping[str, Any]]
) -> dict[int, int]:
    """``n`` → the message that has said the same since then, in one of these cases.

    ``asked``: n, cases, notice, step, since, facts.
    """
    if not asked:
        return {}
    found = await rows(conn, _RECENTLY_SENT, {"rows": dumps(list(asked))})
    return {r["n"]: r["message_id"] for r in found}


async def waiting(
    conn: AsyncConnection, asked: Sequence[Mapping[str, Any]]
) -> Sequence[WaitingMessage]:
    """Messages of these cases that have not left: n, message_id, facts; one for each ``n``.

    ``asked``: n, cases, notice, step, channel.
    """
    return (
        await fetch(conn, WaitingMessage, _WAITING, {"rows": dumps(list(asked))}) if asked else []
    )


async def amend(
    conn: AsyncConnection,
    changes: Iterable[Mapping[str, Any]],
    *,
    reason: Reason,
    actor: Actor,
    now: datetime,
) -> set[int]:
    """Give messages that have not left other facts and amounts; the ids of those that took them.

    ``changes``: message_id, facts, shown. What was claimed or printed is queued again.
    """
    given = list(changes)
    if not given:
        return set()
    params = {"rows": dumps(given), "reason": reason, "actor": str(actor), "now": now}
    return {r["message_id"] for r in await rows(conn, _AMEND, params)}


async def readdress(
    conn: AsyncConnection,
    message_id: int,
    *,
    channel: Channel,
    facts: Mapping[str, Any],
    shown: Sequence[Mapping[str, Any]],
    expires_at: datetime,
) -> None:
    """Give a held message the channel, facts and amounts that the rules see today."""
    await row(
        conn,
        _READDRESS,
        {
            "id": message_id,
            "channel": channel,
            "facts": dumps(facts),
            "shown": dumps(list(shown)),
            "expires": expires_at,
        },
    )


async def planned_notices(
    conn: AsyncConnection, member_ids: Sequence[int], notices: Sequence[str], day: date
) -> Sequence[PlannedNotice]:
    """What cases of members say by themselves in these notices from a day (in Japan) on.

    member_id, source, scheme and notice. What an event has caused does not count.
    """
    return await fetch(
        conn,
        PlannedNotice,
        _PLANNED_NOTICES,
        {"ids": list(member_ids), "notices": list(notices), "day": day},
    )


async def add_cases(conn: AsyncConnection, told: Iterable[tuple[int, int, int]]) -> None:
    """Note that messages tell of further cases: (message id, case id, generation)."""
    given = [{"message_id": m, "case_id": c, "generation": g} for m, c, g in told]
    if given:
        await run(conn, _ADD_CASES, {"rows": dumps(given)})


async def drop_cases(conn: AsyncConnection, gone: Iterable[tuple[int, int]]) -> None:
    """Note that messages (id) no longer tell of cases (id)."""
    given = [{"m": m, "c": c} for m, c in gone]
    if given:
        await run(conn, _DROP_CASES, {"rows": dumps(given)})


async def told(conn: AsyncConnection, ids: Sequence[int]) -> Sequence[ToldMessage]:
    """Those of the messages that tell of several cases and have not left; ``told`` is their list.

    Its entries: case_id, matter, opener, is_open, generation; the case of the key comes first.
    What is said at the end of a case has not ended with it. ``caused``: by events.
    """
    return await fetch(conn, ToldMessage, _TOLD, {"ids": list(ids)}) if ids else []
