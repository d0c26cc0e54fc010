"""Fallbacks: mails that have not reached their readers, and the letters that take over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.fallback import Fallback
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State

from .db import dumps, fetch, rows, run
from .put_off import Sweep, is_due
from .transitions import Transition


@dataclass(frozen=True, slots=True)
class ToldMessage:
    """A message with all that another one in its place has to say."""

    message_id: int
    token: str
    case_id: int | None
    member_id: int | None
    notice: str
    step: str
    generation: int
    scheme: str
    language: str
    useful_until: date | None
    stopped: str | None
    reason: str
    created_at: datetime
    facts: Any
    shown: Any
    state: State
    channel: Channel
    staff_id: int | None
    is_open: bool | None
    matter: str | None
    overtaken: bool
    others: Any
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReturnedLetter:
    """A letter that the post brought back."""

    message_id: int
    notice: str
    scheme: str
    reason: str


_UNREACHED = f"""
SELECT m.message_id, m.member_id FROM messages m
JOIN jsonb_to_recordset(CAST(:policies AS jsonb)) AS p(notice text, uncertain_before timestamptz)
    USING (notice)
WHERE m.channel = 'email' AND m.fallback IS NULL AND m.member_id IS NOT NULL
  AND m.state IN ('uncertain', 'bounced', 'failed', 'suppressed')
  AND (m.state <> 'uncertain' OR m.updated_at <= p.uncertain_before)
  AND (CAST(:ids AS bigint[]) IS NULL OR m.message_id = ANY(:ids))
  AND {is_due(Sweep.FALLBACK, "m.message_id")}
ORDER BY m.message_id LIMIT :limit
"""

# Whether a later message says of a case what counts now, under its own key or another one's.
_OVERTAKEN = """EXISTS (
    SELECT FROM (SELECT message_id FROM message_keys WHERE case_id = {0}.case_id
                 UNION ALL
                 SELECT message_id FROM message_cases WHERE case_id = {0}.case_id) told
    JOIN messages l USING (message_id)
    WHERE l.message_id > m.message_id AND l.state NOT IN ('cancelled', 'expired')
      AND l.in_place_of IS NULL {1}
      AND (l.notice = m.notice
           OR (l.notice = ANY(CAST(:requests AS text[]))
               AND m.notice = ANY(CAST(:requests AS text[])))))"""

# Where a mail stands is looked at again when nobody else can move it. What is said at the end of
# a case has not ended with it.
_TOLD = """
SELECT m.message_id, m.token, m.case_id, m.member_id, m.notice, m.step, m.generation, m.scheme,
    m.language, m.useful_until, m.stopped, m.reason, m.created_at, f.facts, f.shown,
    m.state, m.channel, m.staff_id, c.kind AS case_kind,
    c.state = 'open' OR c.closed_at <= m.created_at AS is_open, c.matter,
    {own} AS overtaken,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('case_id', o.case_id, 'matter', o.matter,
            'generation', t.generation,
            'is_open', o.state = 'open' OR o.closed_at <= m.created_at,
            'overtaken', {other})), '[]')
     FROM message_cases t JOIN cases o ON o.case_id = t.case_id
     WHERE t.message_id = m.message_id) AS others,
    (SELECT max(a.created_at) FROM attempts a WHERE a.message_id = m.message_id) AS tried_at
FROM messages m JOIN message_facts f USING (message_id) LEFT JOIN cases c USING (case_id)
WHERE m.message_id = ANY(CAST(:ids AS bigint[]))
"""

_TAKE = f"""{_TOLD.format(own=_OVERTAKEN.format("m", ""), other=_OVERTAKEN.format("o", ""))}
  AND m.fallback IS NULL
  AND m.state IN ('uncertain', 'bounced', 'failed', 'suppressed')
ORDER BY m.message_id FOR UPDATE OF m
"""

# A copy says nothing new: it overtakes nobody who is to have another one.
_NO_COPY = "AND NOT EXISTS (SELECT FROM resends r WHERE r.message_id = l.message_id)"

_ANEW = f"""{
    _TOLD.format(own=_OVERTAKEN.format("m", _NO_COPY), other=_OVERTAKEN.format("o", _NO_COPY))
}
FOR UPDATE OF m
"""

_DECIDED = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(message_id bigint, fallback text)
), marked AS (
    UPDATE messages m SET fallback = given.fallback,
        stopped = CASE given.fallback WHEN 'letter' THEN coalesce(m.stopped, :follows)
                                      ELSE m.stopped END
    FROM given WHERE m.message_id = given.message_id
    RETURNING m.message_id, m.case_id, given.fallback
)
INSERT INTO log (at, kind, actor, message_id, case_id, after, reason)
SELECT :now, 'fallback', :actor, message_id, case_id, fallback,
    CASE fallback WHEN 'letter' THEN :follows END
FROM marked
"""

# What caused the mail has caused the letter.
_INHERIT = (
    """INSERT INTO message_causes (message_id, event_id)
       SELECT m.message_id, c.event_id FROM messages m
       JOIN message_causes c ON c.message_id = m.in_place_of
       WHERE m.message_id = ANY(CAST(:ids AS bigint[]))""",
    """INSERT INTO message_cases (message_id, case_id, generation)
       SELECT m.message_id, c.case_id, c.generation FROM messages m
       JOIN message_cases c ON c.message_id = m.in_place_of
       WHERE m.message_id = ANY(CAST(:ids AS bigint[])) AND c.case_id <> m.case_id""",
)

# A mail that turned out to have arrived can still turn out to have bounced: it is open again.
_STOPPED: Final = Transition(
    {s: {State.CANCELLED} for s in (State.HELD, State.QUEUED, State.PRINTED)},
    channels=(Channel.LETTER,),
)

_STOPPED_LOCKED = _STOPPED.locked(
    """m.in_place_of IS NOT NULL AND mail.state IN ('sent', 'delivered')
      AND (CAST(:ids AS bigint[]) IS NULL OR m.in_place_of = ANY(:ids))""",
    source="messages m JOIN messages mail ON mail.message_id = m.in_place_of",
    columns="m.in_place_of",
)

_ARRIVED = f"""
WITH {_STOPPED_LOCKED}, {_STOPPED.moved(returning="old.in_place_of")}, opened AS (
    UPDATE messages m SET fallback = NULL, stopped = NULL
    FROM moved WHERE m.message_id = moved.in_place_of AND m.stopped = :follows
), {_STOPPED.logged()}
SELECT message_id FROM moved ORDER BY message_id
"""

_RETURNED = """
WITH found AS (
    SELECT message_id FROM messages
    WHERE state = 'returned' AND fallback IS NULL
    ORDER BY message_id LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE messages m SET fallback = :returned FROM found
WHERE m.message_id = found.message_id RETURNING m.message_id, m.notice, m.scheme, m.reason
"""

_LOCK_MEMBERS = """
SELECT FROM members WHERE member_id = ANY(CAST(:ids AS bigint[]))
ORDER BY member_no FOR NO KEY UPDATE
"""

_LETTERS_OF = """
SELECT r.n, m.state FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(n integer,
    case_id bigint, member_id bigint, notice text, step text, generation integer)
JOIN message_keys k USING (case_id, member_id, notice, step, generation)
JOIN messages m USING (message_id) WHERE k.channel = 'letter'
"""


async def unreached(
    conn: AsyncConnection,
    policies: Mapping[str, datetime | None],
    *,
    ids: Sequence[int] | None,
    limit: int,
    now: datetime,
) -> list[int]:
    """Mails of which no fallback has been decided; their members are locked, in order.

    ``policies``: notices with a fallback → how long ago a mail must have become uncertain (None:
    that is no ground). ``ids``: only these.
    """
    given = [{"notice": n, "uncertain_before": before} for n, before in policies.items()]
    params = {"policies": dumps(given), "limit": limit, "now": now}
    found = await rows(conn, _UNREACHED, {**params, "ids": None if ids is None else list(ids)})
    await run(conn, _LOCK_MEMBERS, {"ids": [r["member_id"] for r in found]})
    return [r["message_id"] for r in found]


async def take(
    conn: AsyncConnection, ids: Sequence[int], *, requests: Sequence[str]
) -> Sequence[ToldMessage]:
    """Those of the mails that still have not arrived, locked, with all that a letter says.

    ``requests``: notices of which the latest is what counts.
    """
    return await fetch(conn, ToldMessage, _TAKE, {"ids": list(ids), "requests": list(requests)})


async def told_by(
    conn: AsyncConnection, message_id: int, *, requests: Sequence[str]
) -> ToldMessage | None:
    """One message, whatever its state, locked, with all that a copy of it says; None: no such one.

    Columns as those of :func:`take`, and state, channel, staff_id and case_kind.
    """
    found = await fetch(conn, ToldMessage, _ANEW, {"ids": [message_id], "requests": list(requests)})
    return found[0] if found else None


async def letters_of(conn: AsyncConnection, wanted: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Place in ``wanted`` (rows of new messages) → state of the letter that has the key already."""
    given = [{**w, "n": n} for n, w in enumerate(wanted)]
    found = await rows(conn, _LETTERS_OF, {"rows": dumps(given)})
    return {r["n"]: r["state"] for r in found}


async def inherit(conn: AsyncConnection, letters: Sequence[int]) -> None:
    """Link letters with what caused the mails whose place they take."""
    for statement in _INHERIT:
        await run(conn, statement, {"ids": list(letters)})


async def decided(
    conn: AsyncConnection, decisions: Mapping[int, Fallback], *, actor: Actor, now: datetime
) -> None:
    """Note what was decided, mail by mail; one whose place a letter takes is not sent again."""
    given = [{"message_id": m, "fallback": f} for m, f in decisions.items()]
    params = {"rows": dumps(given), "follows": Reason.LETTER_FOLLOWS}
    await run(conn, _DECIDED, {**params, "actor": str(actor), "now": now})


async def stop_arrived(
    conn: AsyncConnection, *, ids: Sequence[int] | None = None, actor: Actor, now: datetime
) -> list[int]:
    """Cancel letters that have not left and whose mail has arrived after all; their ids.

    ``ids``: of these mails only.
    """
    params = {"ids": None if ids is None else list(ids), "actor": str(actor), "now": now}
    reasons = {"reason": Reason.MAIL_ARRIVED, "follows": Reason.LETTER_FOLLOWS}
    return [r["message_id"] for r in await rows(conn, _ARRIVED, {**params, **reasons})]


async def returned(conn: AsyncConnection, *, limit: int) -> Sequence[ReturnedLetter]:
    """Letters that came back and of which nobody was told: message_id, notice, scheme, reason.

    Each is given once.
    """
    return await fetch(
        conn, ReturnedLetter, _RETURNED, {"limit": limit, "returned": Fallback.RETURNED}
    )
