"""What somebody does who has just read the README."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.examples import example_events
from notifier.intake.envelope import parse_event
from notifier.rules.rules import TYPES
from notifier.runtime.engines import Engines
from notifier.store.db import rows, scalar
from tests.cli.terminal import EXAMPLES, Terminal


async def test_from_an_empty_house_to_messages(notifier: Terminal, engine: AsyncEngine) -> None:
    notifier.set_time(datetime(2025, 10, 1, 1, 0, tzinfo=UTC))  # after all events of the example
    assert "費用 1件" in notifier("schemes", "import", str(EXAMPLES / "group-liability.toml"))
    assert "新規 3" in notifier("members", "import", str(EXAMPLES / "members.csv"), "--yes")
    for _ in range(2):  # sent again, nothing happens twice
        assert "13件" in notifier("events", "send", str(EXAMPLES / "events.jsonl"))
    listed = notifier("messages", "list", "--member", "M000103")
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM events") == 13
        made = await rows(
            conn, "SELECT m.*, p.member_no FROM messages m JOIN members p USING (member_id)"
        )
        undecided = await scalar(conn, "SELECT count(*) FROM events WHERE decided_at IS NULL")
    assert undecided == 0
    assert {m["notice"] for m in made} == {"apology", "card_error", "refund"}
    for message in made:
        shown = f"M{message['message_id']:09d}" in listed
        assert shown == (message["member_no"] == "M000103")


#: A Thursday at noon, and a Saturday at night; the year's last day.
@pytest.mark.parametrize("now", [(2026, 1, 8, 3), (2026, 7, 11, 15), (2027, 12, 31, 3)])
def test_there_is_an_example_of_every_type(now: tuple[int, int, int, int]) -> None:
    moment = datetime(*now, tzinfo=UTC)
    for kind in TYPES:
        made = example_events(moment, kind)
        assert made
        for event in made:
            parsed = parse_event(json.dumps(event).encode())
            assert parsed.type == kind
            assert parsed.time == moment
    with pytest.raises(KeyError):
        example_events(moment, "billing.nothing")


async def test_the_first_day_is_what_the_readme_says(
    notifier: Terminal, engine: AsyncEngine
) -> None:
    notifier.set_time(datetime(2026, 1, 8, 12, 0, tzinfo=UTC))  # nine in the evening
    notifier("schemes", "import", str(EXAMPLES / "group-liability.toml"))
    notifier("members", "import", str(EXAMPLES / "members.csv"), "--yes")
    events = notifier("events", "example")
    notifier("events", "send", "-", given=events.encode(), env={"NOTIFIER_SENDING_HOURS": "always"})
    async with engine.connect() as conn:
        made = await rows(conn, "SELECT * FROM messages ORDER BY message_id")
    found = [(m["notice"], m["channel"], m["state"]) for m in made]
    assert found == [
        ("card_error", "email", "queued"),
        ("apology", "email", "queued"),
        ("apology", "letter", "queued"),
        ("refund", "email", "queued"),
    ]
    shown = notifier("messages", "show", "1", env={"NOTIFIER_LOCALE": "en"})
    assert "Nothing runs that would send it" in shown
    assert "という種類のイベントはありません" in notifier(
        "events", "example", "--type", "billing.refund", code=2
    )


async def test_after_hours_a_message_says_when_it_goes(notifier: Terminal) -> None:
    notifier.set_time(datetime(2026, 1, 8, 12, 0, tzinfo=UTC))
    notifier("schemes", "import", str(EXAMPLES / "group-liability.toml"))
    notifier("members", "import", str(EXAMPLES / "members.csv"), "--yes")
    notifier("events", "send", "-", given=notifier("events", "example").encode())
    assert "2026-01-09 09:00 に送ります" in notifier("messages", "show", "1")


async def test_the_stream_can_be_tried_on_one_machine(notifier: Terminal, tmp_path: Path) -> None:
    notifier.set_time(datetime(2026, 1, 8, 3, 0, tzinfo=UTC))
    there = {
        "NOTIFIER_INTAKE_REDIS_URL": "embedded",
        "NOTIFIER_INTAKE_SOURCE": "billing.example.jp",
    }
    events = notifier("events", "example").encode()
    assert "INTAKE_REDIS_URL" in notifier("events", "stream", "-", given=events, code=1)
    assert "7件" in notifier("events", "stream", "-", given=events, env=there)
    with Engines(notifier.settings.model_copy(update={"intake_redis_url": "embedded"})) as engines:
        assert engines.urls.intake is not None
        with redis.Redis.from_url(engines.urls.intake) as client:
            entries = client.xrange("notifier:events")
    assert [e[1][b"event"] for e in entries] == events.splitlines()
