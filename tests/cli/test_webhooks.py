"""``notifier webhooks`` as a person has it, and a worker that calls them."""

import asyncio
import json
import signal
import sys

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.states import State
from notifier.runtime.settings import Settings
from tests.cli.terminal import Terminal, environment
from tests.webhooks.conftest import Desk, desk
from tests.webhooks.receiver import receiving, status

__all__ = ("desk",)
_LOCAL = {"NOTIFIER_WEBHOOKS": json.dumps({"allow": ["127.0.0.0/8"], "plain_http": True})}


async def _say(notifier: Terminal, *words: str, code: int = 0, given: str = "") -> str:
    said = given.encode()
    return await asyncio.to_thread(notifier, "webhooks", *words, code=code, given=said, env=_LOCAL)


async def test_from_registration_to_replay(notifier: Terminal) -> None:
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook"
        made = await _say(notifier, "add", url, "--source", "billing.example.jp")
        number, secret = made.split()
        assert secret.startswith("whsec_")
        assert url in await _say(notifier, "list")
        assert secret not in await _say(notifier, "show", number)
        assert secret in await _say(notifier, "show", number, "--secrets")
        await _say(notifier, "test", number)
        receiver.usual = status(500)
        await _say(notifier, "test", number, code=1)
        assert "whpk_" in await _say(notifier, "add-secret", number, "--kind", "ed25519")
        known = "whsec_" + "QUJD" * 10
        assert known in await _say(notifier, "add-secret", number, "--secret", "-", given=known)
        assert "whpk_" in await _say(notifier, "show", number)
        await _say(notifier, "drop-secret", number, "1")
        await _say(notifier, "drop-secret", number, "3")
        await _say(notifier, "drop-secret", number, "2", code=1)
        await _say(notifier, "disable", number)
        await _say(notifier, "enable", number)
        await _say(notifier, "deliveries", number)
        assert "0" in await _say(notifier, "replay", number)
        await _say(notifier, "remove", number)
        await _say(notifier, "show", number, code=1)
        assert len(receiver.got) == 2


async def test_what_is_refused(notifier: Terminal) -> None:
    for url in ("http://hooks.example.jp/", "https://127.0.0.1/", "hooks.example.jp"):
        assert "url" in await asyncio.to_thread(notifier, "webhooks", "add", url, code=1)
    never = ("add", "https://hooks.example.jp/", "--state", "claimed")
    assert "state" in await _say(notifier, *never, code=1)
    wrong = ("add", "https://hooks.example.jp/", "--secret", "whsec_short")
    assert "secret" in await _say(notifier, *wrong, code=1)
    for verb in ("test", "enable", "disable", "remove", "add-secret"):
        await _say(notifier, verb, "77", code=1)


async def test_a_worker_calls_beside_delivery(
    notifier: Terminal, settings: Settings, engine: AsyncEngine, desk: Desk
) -> None:
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook"
        await _say(notifier, "add", url, "--from-start")
        ids = await desk.make(3)
        await desk.move(ids, State.CANCELLED)
        with (settings.var / "work.log").open("wb") as log:
            command = (sys.executable, "-m", "notifier.cli", "work")
            env = environment(settings, **_LOCAL)
            running = await asyncio.create_subprocess_exec(
                *command, env=env, stdout=log, stderr=log
            )
        try:
            await receiver.wait_for(lambda: len(receiver.members) >= 6)
        finally:
            running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0, (settings.var / "work.log").read_text()
    assert receiver.members == ["M0000", "M0001", "M0002"] * 2
