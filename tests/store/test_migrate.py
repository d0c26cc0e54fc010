"""What a house has on record goes along to the next version."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy.exc import IntegrityError

from notifier.runtime.engines import Engines
from notifier.store import history, pieces
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
        assert (await history.said_before(conn, [case]))[0].message_id == 2
        shown = await history.shown_in(conn, [1])
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


_OLD_BATCH: Final = (
    """INSERT INTO message_keys (token, case_id, member_id, notice, step, channel, generation)
       SELECT 't', case_id, member_id, 'n', 's', 'letter', 1 FROM cases""",
    """INSERT INTO messages (message_id, token, case_id, member_id, notice, step, channel,
           generation, language, lane, state, reason, uncertain_policy, attempts, created_at,
           updated_at, next_attempt_at, expires_at)
       SELECT 1, 't', case_id, member_id, 'n', 's', 'letter', 1, 'ja', 1, 'printed', 'printed',
           'ask', 2, now(), now(), now(), now() FROM cases""",
    """INSERT INTO batches (state, folder, created_at, created_by)
       VALUES ('cancelled', 'B000001', now(), 'user:a'), ('printed', 'B000002', now(), 'user:a')""",
    """INSERT INTO attempts (created_at, message_id, number, worker_id, fence, relay,
           template_digest, sha256, size, outcome)
       SELECT now(), 1, n, gen_random_uuid(), 0, 'B00000' || n, 'd', '', 0, 'printed'
       FROM generate_series(1, 2) n""",
    """INSERT INTO pieces (message_id, batch_id, serial, file, first_page, pages, sha256)
       SELECT 1, n, 1, 'f', 1, 1, '' FROM generate_series(1, 2) n""",
)


async def test_pieces_know_their_attempt(engines: Engines) -> None:
    """A letter that was printed twice stands in its second batch."""
    url = engines.create_database("older_press")
    await upgrade(url, to="0003")
    engine = connect(url)
    async with engine.begin() as conn:
        for statement in (*_BEFORE, *_OLD_BATCH):
            await run(conn, statement)
    await upgrade(url)
    async with engine.connect() as conn:
        for batch_id, its_own in ((1, False), (2, True)):
            [piece] = await pieces.of_batch(conn, batch_id)
            assert (piece.attempt, piece.its_own) == (batch_id, its_own)
    await engine.dispose()
