"""Worker processes that are killed, stopped, woken and left without Redis."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import redis.asyncio

from notifier.delivery.wake_up import LaneNotifier
from notifier.demo.post_office import Rule, Stage, read_log
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.runtime.settings import Settings
from tests.delivery.rig import Rig, eventually

pytestmark = pytest.mark.engine


@pytest.fixture
def real(rig: Rig, settings: Settings) -> Rig:
    """A rig for processes of their own, whose clock is the machine's."""
    rig.time = datetime.now(UTC)
    rig.var = settings.var
    return rig


@asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process; killed at the end if it still runs."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.delivery.worker_process",
        settings.model_dump_json(exclude={"relays"}, exclude_none=True).removesuffix("}")
        + f', "relays": [{settings.relays[0].model_dump_json()}]}}',
        stdout=asyncio.subprocess.PIPE,
    )
    assert started.stdout is not None
    try:
        assert await started.stdout.readline() == b"ready\n"
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()
        await started.stdout.read()


async def test_killed_workers_lose_nothing_and_double_nothing(
    real: Rig, settings: Settings
) -> None:
    kills, total = 3, 120
    member_id = await real.register()
    ids = [await real.send(to=member_id) for _ in range(total)]
    real.office.rules.set(Rule(stage=Stage.END, delay=0.03))
    for n in range(1, kills + 1):
        async with process(settings) as worker:
            await real.office.wait_for(n * total // (kills + 2))
            worker.kill()
    async with process(settings) as worker:
        await eventually(lambda: _none_waits(real), seconds=60)
        worker.terminate()
        assert await worker.wait() == 0
    found = await real.rows("SELECT message_id, token, state FROM messages")
    got = Counter(line["message_id"] for line in read_log(real.office.log_path))
    assert len(found) == len(ids)
    for r in found:
        copies = got.pop(f"<{r['token']}@{settings.message_id_domain}>", 0)
        assert copies in {State.SENT: {1}, State.UNCERTAIN: {0, 1}}[State(r["state"])]
    assert not got
    uncertain = sum(r["state"] == State.UNCERTAIN for r in found)
    assert uncertain <= kills * settings.relays[0].connections
    assert not [*real.journals.glob("*")]


async def _none_waits(rig: Rig) -> bool:
    found = await rig.rows(
        "SELECT 1 FROM messages WHERE state IN ('queued', 'claimed', 'sending') LIMIT 1"
    )
    return not found


async def test_sigterm_hands_back_and_leaves(real: Rig, settings: Settings) -> None:
    async with process(settings) as worker:
        await eventually(lambda: real.rows("SELECT 1 FROM workers"))
        worker.terminate()
        assert await worker.wait() == 0
    [found] = await real.rows("SELECT stopped_at FROM workers")
    assert found["stopped_at"] is not None


async def test_the_bell_wakes_the_lane(real: Rig, settings: Settings, redis_url: str) -> None:
    async with process(settings), LaneNotifier(redis_url) as bell:
        for lane in (Lane.URGENT, Lane.STANDARD, Lane.URGENT):
            message_id = await real.send(lane=int(lane))
            await bell.notify_workers({lane})
            await real.until(message_id, State.SENT)


async def test_without_redis_work_is_found_by_looking(real: Rig, settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with process(nowhere) as worker, LaneNotifier("redis://127.0.0.1:1/0") as bell:
        message_id = await real.send()
        await bell.notify_workers({Lane.STANDARD})
        await real.until(message_id, State.SENT)
        assert worker.returncode is None


async def test_emptied_redis_loses_nothing(real: Rig, settings: Settings, redis_url: str) -> None:
    async with (
        process(settings),
        LaneNotifier(redis_url) as bell,
        redis.asyncio.Redis.from_url(redis_url) as client,
    ):
        for _ in range(5):
            message_id = await real.send()
            await bell.notify_workers({Lane.STANDARD})
            await client.flushall()
            await real.until(message_id, State.SENT)


async def test_a_claim_of_a_dead_worker_is_queued_at_once(real: Rig, settings: Settings) -> None:
    """One line, held up by a slow answer: what waits behind it is claimed when the kill comes."""
    relay = settings.relays[0].model_copy(update={"connections": 1})
    narrow = settings.model_copy(update={"relays": (relay,)})
    real.office.rules.set(Rule(stage=Stage.END, delay=30))
    first, second = await real.send(), await real.send()
    async with process(narrow) as worker:
        await eventually(lambda: _applied(real))  # so that the body has begun
        await real.until(second, State.CLAIMED)
        worker.kill()
    await real.sweep()
    assert await real.state(first) == ("uncertain", Reason.BROKEN_AFTER_DATA)
    assert await real.state(second) == ("queued", Reason.JOURNAL_UNSENT)
    assert await real.tasks() == [("uncertain_message", 1)]


async def _applied(rig: Rig) -> bool:
    return rig.office.rules.applied > 0
