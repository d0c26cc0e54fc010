"""Events that were refused or could not be decided, at the terminal."""

import json

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.model.actor import system
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import members, rejected, schemes, tasks
from notifier.store.db import scalar
from tests.cli.terminal import Terminal
from tests.samples import NOTICES, NOW, SCHEME, charge_failed, cloud, member

EN = {"NOTIFIER_LOCALE": "en"}
ACTOR = system("test")


async def test_rejected_entries_are_shown_and_discarded(
    notifier: Terminal, engine: AsyncEngine
) -> None:
    event = cloud("billing.nothing", {"name": "\u202e潮田\x1b[31m"})
    told = [{"field": "type", "code": "unknown_type", "params": {}}]
    draft = TaskDraft(
        kind=TaskKind.REJECTED_EVENT,
        key="events|type|unknown_type",
        details={"stream": "events", "field": "type", "code": "unknown_type"},
    )
    async with engine.begin() as conn:
        for n, raw in enumerate((json.dumps(event, ensure_ascii=False), "**** **** **** ****")):
            await rejected.add(
                conn, "events", f"{n}-0", raw.encode(), told, masked=bool(n), now=NOW
            )
        await tasks.raise_all(conn, [draft], actor=ACTOR, now=NOW)
    said = notifier("rejected", "show", "1", env=EN)
    assert "type: " in said
    assert "billing.nothing" in said
    assert "\u202e" not in said
    assert "\x1b[31m" not in said
    said = notifier("rejected", "show", "2", env=EN)
    assert "so it cannot be replayed" in said
    assert "held a card number" in notifier("rejected", "replay", "2", code=1, env=EN)
    assert "not found" in notifier("rejected", "show", "3", code=1, env=EN)
    assert "reason" in notifier("rejected", "discard", "1", "--reason", "", code=1)
    assert "not found" in notifier("rejected", "discard", "1", "3", "--reason", "x", code=1, env=EN)
    notifier("rejected", "discard", "1", "2", "--reason", "a trial of theirs")
    said = notifier("rejected", "show", "1", env=EN)
    assert "Discarded at 2025-07-16 10:00" in said
    assert "a trial of theirs" in said
    assert "再受付または破棄" in notifier("rejected", "discard", "1", "--reason", "x", code=1)
    assert "events" not in notifier("rejected", "list")


async def test_undecided_events_are_listed_and_tried_again(
    notifier: Terminal, engine: AsyncEngine
) -> None:
    class Hand:
        def now(self):  # type: ignore[no-untyped-def]
            return NOW

        async def notify_workers(self, lanes: object) -> None:
            pass

    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
        await members.save(conn, [(member(), NOW)], now=NOW)
    without = {name: n for name, n in NOTICES.items() if name != "card_error"}
    await Acceptor(engine, without, Hand(), Hand()).accept([charge_failed(id="odd")], ACTOR)
    said = notifier("events", "undecided", env=EN)
    assert "odd" in said
    assert "KeyError" in said
    notifier("events", "retry", code=2)
    assert "not found" in notifier("events", "retry", "99", code=1, env=EN)
    assert "1 decided, 0 still undecided" in notifier("events", "retry", "--all", env=EN)
    assert "odd" not in notifier("events", "undecided")
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM messages") == 1
