"""A mass mailing on record: many members, and a queued apology to each, every one different."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.members import generate
from notifier.model.actor import Actor, ActorKind
from notifier.model.notice import Lane, UncertainPolicy
from notifier.store import members
from notifier.store.db import dumps, rows, run
from tests.samples import SCHEME

NOTICE: Final = "apology"
STEP: Final = "overcharge"
ACTOR: Final = Actor(ActorKind.USER, "bench")
FEES: Final = (400, 200)  # as charged, as it should be
#: What all apologies of a mailing have in common.
COMMON: Final[dict[str, Any]] = {
    "charged_on": "2025-07-15",
    "wrong_other_fees": FEES[0],
    "correct_other_fees": FEES[1],
    "difference": FEES[0] - FEES[1],
    "remedy": "card_credit",
    "remedy_on": "2025-08-25",
    "cause": "契約を確定する処理で、1つの制度に複数の証券番号があるお客様の制度運営費を、"
    "証券番号の数だけ加えておりました。",
    "prevention": "プログラムを直し、決済代行会社へ渡す前に、登録済みの費用と1件ずつ"
    "照合する手順に改めました。",
}
_CHUNK: Final = 2000
#: 1,480 to 8,470 円: members and mailings apart by numbers that have no common divisor.
_PREMIUM: Final = "(1480 + (p.member_id * 7919 + :k * 104729) % 700 * 10)"

_HOW: Final = (
    # The keys hold by how the rows are made, so that the server need not look for each.
    "SET LOCAL session_replication_role = replica",
    # It does not know yet how many they are, and would compare each with each.
    "SET LOCAL enable_nestloop = off",
)

_CASES: Final = """
INSERT INTO cases (kind, source, matter, member_id, scheme, state, generation, occurred_at,
    opened_at, closed_at, reason)
SELECT 'mailing', 'mailing', :matter, p.member_id, :scheme, 'closed', 1, now(), now(), now(),
    'opened'
FROM (SELECT member_id FROM members WHERE member_no LIKE 'B%'
      ORDER BY member_id LIMIT :count) AS p
"""

_MESSAGES: Final = f"""
WITH given AS (
    SELECT c.case_id, p.member_id, p.language, {_PREMIUM} AS premium,
        substr(translate(replace(CAST(gen_random_uuid() AS text), '-', ''), '0189', 'ghij'), 1, 26)
            AS token
    FROM cases c JOIN members p USING (member_id)
    WHERE c.kind = 'mailing' AND c.source = 'mailing' AND c.matter = :matter
), keyed AS (
    INSERT INTO message_keys (token, case_id, member_id, notice, step, channel, generation)
    SELECT token, case_id, member_id, :notice, :step, 'email', 1 FROM given ORDER BY case_id
    RETURNING message_id, token
), made AS (
    INSERT INTO messages (message_id, token, case_id, member_id, notice, step, channel, generation,
        scheme, language, lane, state, reason, uncertain_policy, created_at, updated_at,
        next_attempt_at, expires_at)
    SELECT message_id, token, case_id, member_id, :notice, :step, 'email', 1, :scheme, language,
        :lane, 'queued', 'created', :policy, now(), now(), now(), now() + interval '14 days'
    FROM keyed JOIN given USING (token) ORDER BY message_id
    RETURNING message_id, token, case_id
), facts AS (
    INSERT INTO message_facts (message_id, facts, shown)
    SELECT made.message_id,
        CAST(:common AS jsonb) || jsonb_build_object(
            'wrong_premium', premium, 'wrong_total', premium + :wrong,
            'correct_premium', premium, 'correct_total', premium + :correct),
        jsonb_build_array(
            jsonb_build_object('role', 'charged_wrongly', 'name', 'premium', 'yen', premium),
            jsonb_build_object('role', 'charged_wrongly', 'name', 'other_fees', 'yen', :wrong),
            jsonb_build_object('role', 'charged_wrongly', 'name', 'total',
                'yen', premium + :wrong),
            jsonb_build_object('role', 'correct', 'name', 'premium', 'yen', premium),
            jsonb_build_object('role', 'correct', 'name', 'other_fees', 'yen', :correct),
            jsonb_build_object('role', 'correct', 'name', 'total', 'yen', premium + :correct),
            jsonb_build_object('role', 'difference', 'name', 'difference',
                'yen', :wrong - :correct))
    FROM made JOIN given USING (token)
)
INSERT INTO log (at, kind, actor, message_id, case_id, after, reason)
SELECT now(), 'move', :actor, message_id, case_id, 'queued', 'created' FROM made
"""


async def register(engine: AsyncEngine, count: int) -> None:
    """So many members with names, addresses and mailboxes of their own."""
    now = datetime.now(UTC)
    spare = count // 20 + 20  # some have no mailbox
    people = [replace(m, member_no=f"B{m.member_no[1:]}") for m in generate(count + spare)]
    given = [(m, now) for m in people if m.email][:count]
    for start in range(0, count, _CHUNK):
        async with engine.begin() as conn:
            await members.save(conn, given[start : start + _CHUNK], now=now)


async def queue(engine: AsyncEngine, number: int, count: int, *, lane: Lane = Lane.BULK) -> None:
    """The ``number``-th mailing to the first ``count`` members, queued."""
    matter = {"matter": f"mailing-{number}", "scheme": SCHEME.scheme}
    stamp = {"actor": str(ACTOR), "lane": int(lane), "policy": UncertainPolicy.ASK}
    shown = {"common": dumps(COMMON), "wrong": FEES[0], "correct": FEES[1], "k": number}
    kind = {"notice": NOTICE, "step": STEP}
    async with engine.begin() as conn:
        for setting in _HOW:
            await run(conn, setting)
        await run(conn, _CASES, {**matter, "count": count})
        made = await run(conn, _MESSAGES, {**matter, **kind, **stamp, **shown})
    if made != count:
        raise RuntimeError(f"{made} messages were queued, not {count}")


async def tidy(engine: AsyncEngine) -> None:
    """What the server would do by itself a minute after a change so large."""
    async with engine.connect() as plain:
        conn = await plain.execution_options(isolation_level="AUTOCOMMIT")
        await run(conn, "VACUUM ANALYZE")
        await run(conn, "CHECKPOINT")


async def states(engine: AsyncEngine) -> dict[str, int]:
    """State → messages in it."""
    async with engine.connect() as conn:
        found = await rows(conn, "SELECT state, count(*) AS n FROM messages GROUP BY state")
    return {r["state"]: r["n"] for r in found}
