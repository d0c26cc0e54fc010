"""What somebody does who has just read the README."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.store.db import rows, scalar
from tests.cli.terminal import EXAMPLES, Terminal


async def test_from_an_empty_house_to_messages(notifier: Terminal, engine: AsyncEngine) -> None:
    notifier.set_time(datetime(2025, 10, 1, 1, 0, tzinfo=UTC))  # after all events of the example
    assert "1 fees" in notifier("schemes", "import", str(EXAMPLES / "group-liability.toml"))
    assert "新規 3" in notifier("members", "import", str(EXAMPLES / "members.csv"), "--yes")
    for _ in range(2):  # sent again, nothing happens twice
        assert "13 events accepted" in notifier("events", "send", str(EXAMPLES / "events.jsonl"))
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
