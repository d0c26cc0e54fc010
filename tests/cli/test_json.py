"""``--json``: one object a line on every verb, the same values as on the screen."""

import json
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.store import members, schemes
from tests.cli.terminal import Terminal
from tests.samples import NOW, SCHEME, member

#: Verbs that only look, on a record with a scheme and a member.
LOOKING = (
    "batches list", "cases list --state all", "closures list", "events undecided",
    "inquiries list", "keys list", "keys refused", "members imports", "messages list",
    "rejected list", "returns list", "returns counts", "schemes list", "services list",
    "suppressions list", "tasks list --state all", "templates list", "users list", "users requests",
    "users roles", "users show minato", "webhooks list", "whoami",
)  # fmt: skip


@pytest.fixture
async def known(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        await members.save(conn, [(member("M000101"), NOW)], now=NOW)


async def _objects(notifier: Terminal, *words: str) -> list[dict[str, Any]]:
    said = await notifier.within(*words, "--json")
    found = [json.loads(line) for line in said.splitlines()]
    assert all(isinstance(one, dict) for one in found), words
    return found


async def test_verbs_that_look_say_objects(notifier: Terminal, known: None) -> None:
    for words in LOOKING:
        await _objects(notifier, *words.split())


async def test_objects_hold_what_the_screen_shows(notifier: Terminal, known: None) -> None:
    [fee, *_] = await _objects(notifier, "schemes", "list")
    assert fee["scheme"] == SCHEME.scheme
    assert fee["yen"] == SCHEME.fees[0].yen
    about = ("--member", "M000101", "--kind", "complaint", "--text", "なぜですか")
    assert await _objects(notifier, "inquiries", "add", *about) == [{"inquiry": 1}]
    [listed] = await _objects(notifier, "inquiries", "list")
    assert (listed["kind"], listed["state"], listed["text"]) == ("complaint", "open", None)
    [shown] = await _objects(notifier, "inquiries", "show", "1")
    assert shown["text"] == "なぜですか"
    assert shown["member_no"] == "M000101"
    [made] = await _objects(notifier, "keys", "new", "urn:example:billing")
    [key] = await _objects(notifier, "keys", "list")
    assert made["secret"].count(made["key"]) == 1
    assert (key["key"], key["source"]) == (made["key"], "urn:example:billing")
    day = ("closures", "add", "2025-08-13", "2025-08-15")
    assert await _objects(notifier, *day) == [{"result": "closure_added"}]
    [closed] = await _objects(notifier, "closures", "list")
    assert (closed["first_day"], closed["last_day"]) == ("2025-08-13", "2025-08-15")


async def test_json_may_be_said_before_the_verb(notifier: Terminal, known: None) -> None:
    said = await notifier.within("--json", "schemes", "list")
    assert json.loads(said.splitlines()[0])["scheme"] == SCHEME.scheme
