"""What a house has on record goes along to the next version."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy.exc import IntegrityError

from notifier.runtime.engines import Engines
from notifier.store import messages
from notifier.store.db import connect, rows, run
from notifier.store.migrate import upgrade

_AT: Final = datetime(2025, 7, 15, 9, tzinfo=UTC)
_BEFORE: Final = (
    """INSERT INTO members (member_no, status, language, as_of, updated_at)
       VALUES ('M1', 'active', 'ja', now(), now())""",
    """INSERT INTO cases (kind, source, matter, member_id, scheme, state, occurred_at, opened_at,
           reason)
       SELECT 'k', 's', 'm', member_id, 's', 'open', now(), now(), 'opened' FROM members""",
)
_MESSAGE: Final = """
INSERT INTO messages (token, case_id, member_id, notice, step, channel, generation, language, lane,
    state, reason, uncertain_policy, created_at, updated_at, next_attempt_at, expires_at)
SELECT :token, case_id, member_id, 'n', :step, 'email', 1, 'ja', 1, 'sent', 'accepted', 'ask',
    :at, :at, :at, :at
FROM cases
"""
_SHOWN: Final = """
INSERT INTO shown_values (message_id, created_at, role, name, yen) VALUES
    (:id, :at, 'due', 'premium', 3000), (:id, :at, 'due', 'total', 3200)
"""


async def test_keys_and_shown_amounts_go_along(engines: Engines) -> None:
    url = engines.create_database("older_house")
    await upgrade(url, to="0002")
    engine = connect(url)
    async with engine.begin() as conn:
        for statement in _BEFORE:
            await run(conn, statement)
        for token in "ab":
            await run(conn, _MESSAGE, {"token": token, "step": token, "at": _AT})
        await run(conn, _SHOWN, {"id": 2, "at": _AT})
    await upgrade(url)
    async with engine.begin() as conn:
        case = {"case_id": 1, "notice": "n", "step": "b", "generation": 1}
        assert (await messages.said_before(conn, [case]))[0].message_id == 2
        shown = await messages.shown_in(conn, [1])
        assert sorted(shown[1]) == [("due", "premium", 3000), ("due", "total", 3200)]
        found = await rows(conn, "SELECT * FROM message_keys k JOIN messages m USING (message_id)")
        assert [(r["message_id"], r["token"]) for r in found] == [(1, "a"), (2, "b")]
        made = await rows(
            conn,
            """INSERT INTO message_keys (token, notice, step, channel, generation)
               VALUES ('c', 'n', 'c', 'email', 1) RETURNING message_id""",
        )
        assert made[0]["message_id"] == 3
    for taken in ({"token": "a", "step": "d"}, {"token": "d", "step": "a"}):
        with pytest.raises(IntegrityError):
            await _insert(engine, taken)
    await engine.dispose()


async def _insert(engine: Any, given: dict[str, str]) -> None:
    async with engine.begin() as conn:
        await run(
            conn,
            """INSERT INTO message_keys (token, case_id, member_id, notice, step, channel,
                   generation) VALUES (:token, 1, 1, 'n', :step, 'email', 1)""",
            given,
        )
