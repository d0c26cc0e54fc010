"""Webhooks over a real house and a real server: told once at least, whatever happens."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import time
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.change import Change
from notifier.model.errors import BadInput
from notifier.model.states import State
from notifier.model.webhook import CallOutcome, CallState, SecretKind, WebhookState
from notifier.model.webhook import Outside as Rules
from notifier.store import webhook_calls, webhooks
from notifier.store.db import rows, scalar
from notifier.webhooks import line as lines
from notifier.webhooks import subscribing
from notifier.webhooks.feed import Feed
from notifier.webhooks.line import Line
from notifier.webhooks.outside import Outside
from notifier.webhooks.signing import Secret
from notifier.webhooks.teller import tell
from tests.webhooks.conftest import TEST, Desk
from tests.webhooks.receiver import Receiver, receiving, status
from tests.webhooks.test_outside import LOOPBACK


class Office:
    """A desk from which webhooks are called, and what a test asks of the record."""

    def __init__(self, engine: AsyncEngine, outside: Outside, desk: Desk) -> None:
        self.made, self.engine = desk, engine
        self.desk = lines.Desk(engine, Feed(engine), outside, desk.hand.now)

    async def add(self, receiver: Receiver, **more: Any) -> int:
        given = {
            "source": None,
            "states": (),
            "from_start": True,
            "secret": Secret.new(SecretKind.HMAC),
            "actor": TEST,
        }
        url = f"http://127.0.0.1:{receiver.port}/hook"
        return (await subscribing.add(self.desk, url, **(given | more))).webhook_id

    async def turn(self, webhook_id: int) -> bool:
        return await Line(self.desk, webhook_id).turn()

    async def calls(self, webhook_id: int) -> list[webhook_calls.ListedCall]:
        async with self.engine.connect() as conn:
            found = await webhook_calls.of_webhook(conn, webhook_id, state=None, limit=1000)
        return list(reversed(found))

    async def webhook(self, webhook_id: int) -> webhooks.Webhook:
        async with self.engine.connect() as conn:
            found = await webhooks.get(conn, webhook_id)
        assert found is not None
        return found

    async def tasks(self) -> list[tuple[str, int]]:
        async with self.engine.connect() as conn:
            found = await rows(conn, "SELECT kind, count FROM tasks WHERE kind = 'webhook_failed'")
        return [(r["kind"], r["count"]) for r in found]

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell within; an orderly stop at the end."""
        stop = asyncio.Event()
        task = asyncio.create_task(tell(self.desk, stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)


@pytest.fixture
async def office(engine: AsyncEngine, desk: Desk) -> AsyncIterator[Office]:
    outside = Outside(Rules(allow=LOOPBACK, plain_http=True, timeout=5))
    yield Office(engine, outside, desk)
    await outside.close()


async def test_changes_are_told_in_their_order_and_signed(office: Office) -> None:
    key = Secret.new(SecretKind.HMAC)
    async with receiving() as receiver:
        hook = await office.add(receiver, secret=key)
        ids = await office.made.make(120)
        async with office.telling():
            await receiver.wait_for(lambda: len(receiver.members) >= 120)
            await office.made.move(ids[:2], State.CANCELLED)
            await receiver.wait_for(lambda: len(receiver.members) >= 122)
    assert receiver.members == [f"M{n:04d}" for n in (*range(120), 0, 1)]
    first = receiver.got[0]
    assert first.json["type"] == "deliveries.changed"
    assert set(first.json["data"]["deliveries"][0]) == set(Change.__slots__)
    content = f"{first.id}.{first.headers['webhook-timestamp']}.".encode() + first.body
    signed = base64.b64encode(hmac.digest(key.key, content, hashlib.sha256)).decode()
    assert first.headers["webhook-signature"] == f"v1,{signed}"
    assert abs(int(first.headers["webhook-timestamp"]) - time()) < 300
    assert {c.state for c in await office.calls(hook)} == {CallState.DONE}
    assert len({g.id for g in receiver.got}) == len(receiver.got)


async def test_only_what_was_asked_for(office: Office) -> None:
    async with receiving() as all_, receiving() as some:
        await office.made.make(2)
        await office.add(all_, from_start=False)
        hook = await office.add(some, source="other.example.jp", states=(State.CANCELLED,))
        ids = await office.made.make(3, source="other.example.jp")
        await office.made.move(ids[1:], State.CANCELLED)
        async with office.telling():
            await all_.wait_for(lambda: len(all_.members) >= 5)
            await some.wait_for(lambda: len(some.members) >= 2)
    assert all_.members == ["M0002", "M0003", "M0004", "M0003", "M0004"]
    assert some.members == ["M0003", "M0004"]
    assert (await office.webhook(hook)).position > 0


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (status(500), CallOutcome.REFUSED, 500),
        (status(404), CallOutcome.REFUSED, 404),
        (status(302, "Location: http://127.0.0.1/"), CallOutcome.REFUSED, 302),
        (None, CallOutcome.BROKEN, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", CallOutcome.BROKEN, None),
    ],
)
async def test_a_failed_call_is_repeated_with_the_same_id_and_bytes(
    office: Office, answer: bytes | None, outcome: CallOutcome, code: int | None
) -> None:
    async with receiving() as receiver:
        hook = await office.add(receiver)
        await office.made.make(2)
        receiver.answers = [answer]
        assert await office.turn(hook)
        [call] = await office.calls(hook)
        assert (call.state, call.outcome, call.code) == ("waiting", outcome, code)
        assert not await office.turn(hook)  # it is not due yet
        office.made.hand.time = call.next_attempt_at
        assert await office.turn(hook)
        assert [c.state for c in await office.calls(hook)] == ["done"]
    assert receiver.got[0].id == receiver.got[1].id
    assert receiver.got[0].body == receiver.got[1].body
    assert len(receiver.got) == 2


async def test_attempts_go_on_for_three_days_and_a_person_can_replay(office: Office) -> None:
    hand = office.made.hand
    async with receiving() as receiver:
        hook = await office.add(receiver)
        await office.made.make()
        receiver.usual = status(503)
        begun = hand.time
        while await office.turn(hook):
            call = (await office.calls(hook))[0]
            if call.state != "waiting":
                break
            assert hand.time < call.next_attempt_at <= hand.time + timedelta(hours=15)
            hand.time = call.next_attempt_at
        assert call.state == "dead"
        assert 10 <= call.attempts <= 20
        assert timedelta(days=3) <= hand.time - begun < timedelta(days=3, hours=15)
        assert await office.tasks() == [("webhook_failed", 1)]
        receiver.usual = status(200)
        async with office.engine.begin() as conn:
            dead = CallState.DEAD
            assert await webhook_calls.replay(conn, hook, state=dead, now=hand.time) == 1
        assert await office.turn(hook)
    assert [c.state for c in await office.calls(hook)] == ["done"]
    assert len({g.id for g in receiver.got}) == 1


async def test_a_receiver_says_when_to_come_back(office: Office) -> None:
    async with receiving() as receiver:
        hook = await office.add(receiver)
        await office.made.make()
        receiver.answers = [status(429, "Retry-After: 3600")]
        assert await office.turn(hook)
        [call] = await office.calls(hook)
        assert call.next_attempt_at >= office.made.hand.time + timedelta(hours=1)


async def test_gone_is_called_no_more_until_somebody_says_so(office: Office) -> None:
    async with receiving() as receiver:
        hook = await office.add(receiver)
        await office.made.make()
        receiver.answers = [status(410)]
        assert await office.turn(hook)
        found = await office.webhook(hook)
        assert (found.state, found.reason) == ("disabled", "gone")
        assert await office.tasks() == [("webhook_failed", 1)]
        await office.made.make(2)
        office.made.hand.time += timedelta(days=9)
        assert not await office.turn(hook)
        assert await subscribing.turn(office.desk, hook, WebhookState.ENABLED, actor=TEST)
        async with office.telling():
            await receiver.wait_for(lambda: len(receiver.members) >= 4)
    assert receiver.members == ["M0000", "M0000", "M0001", "M0002"]


async def test_one_that_is_slow_holds_back_no_other(office: Office) -> None:
    async with receiving() as slow, receiving() as quick:
        never = asyncio.Event()
        slow.usual = never
        await office.add(slow)
        await office.add(quick)
        await office.made.make(3)
        async with office.telling():
            await slow.wait_for(lambda: bool(slow.got))
            await office.made.make(4)
            await quick.wait_for(lambda: len(quick.members) >= 7)
            assert len(slow.got) == 1
            never.set()
            slow.usual = status(200)


async def test_a_process_that_died_amid_a_call_repeats_it(office: Office) -> None:
    """What was claimed and not recorded is due again; nothing is lost, ids are the same."""
    async with receiving() as receiver:
        never = asyncio.Event()
        receiver.answers = [never]
        hook = await office.add(receiver)
        await office.made.make(2)
        dying = asyncio.create_task(office.turn(hook))
        await receiver.wait_for(lambda: bool(receiver.got))
        dying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dying
        assert not await office.turn(hook)
        office.made.hand.time += timedelta(minutes=3)
        assert await office.turn(hook)
        never.set()
    assert receiver.members == ["M0000", "M0001"] * 2
    assert len({g.id for g in receiver.got}) == 1


async def test_a_line_with_nothing_to_do_writes_nothing(office: Office) -> None:
    async def spent() -> object:
        async with office.engine.connect() as conn:
            return await scalar(conn, "SELECT pg_snapshot_xmax(pg_current_snapshot())")

    async with receiving() as receiver:
        hook = await office.add(receiver)
        line = Line(office.desk, hook)
        await office.made.make()
        assert await line.turn()
        before = await spent()
        assert [await line.turn() for _ in range(5)] == [False] * 5
        assert await spent() == before


async def test_two_processes_make_one_call_at_a_time(office: Office) -> None:
    async with receiving() as receiver:
        slow = asyncio.Event()
        receiver.answers = [slow]
        hook = await office.add(receiver)
        await office.made.make(60)
        first = asyncio.create_task(office.turn(hook))
        await receiver.wait_for(lambda: bool(receiver.got))
        assert not await office.turn(hook)  # it would come before the one that is on its way
        receiver.usual = status(204)
        slow.set()
        assert await first
        office.made.hand.time += timedelta(minutes=1)
        assert await office.turn(hook)
        assert await office.turn(hook)
    first_id, *others = [g.id for g in receiver.got]
    assert others[0] == first_id  # cut before it was answered: told again before what follows
    assert len(receiver.got) == 3


async def test_a_receiver_that_is_back_is_told_at_once_what_it_missed(office: Office) -> None:
    hand = office.made.hand
    async with receiving() as receiver:
        hook = await office.add(receiver)
        line = Line(office.desk, hook)
        await office.made.make()
        receiver.usual = status(503)
        for _ in range(6):
            assert await line.turn()
            hand.time = (await office.calls(hook))[0].next_attempt_at
        hand.time -= timedelta(minutes=5)  # it is back before the next attempt
        receiver.usual = status(204)
        await office.made.make()
        assert await line.turn()
        assert await line.turn()
    assert [c.state for c in await office.calls(hook)] == ["done", "done"]


async def test_one_call_that_is_never_taken_is_not_hastened_by_others(office: Office) -> None:
    async with receiving() as receiver:
        hook = await office.add(receiver)
        line = Line(office.desk, hook)
        receiver.answers = [status(500)]
        await office.made.make()
        assert await line.turn()
        office.made.hand.time += timedelta(seconds=3)
        await office.made.make()
        assert await line.turn()
        assert not await line.turn()
    assert [c.state for c in await office.calls(hook)] == ["waiting", "done"]


async def test_a_call_gets_its_attempts_though_the_house_was_away(office: Office) -> None:
    async with receiving() as receiver:
        hook = await office.add(receiver)
        await office.made.make()
        receiver.usual = status(503)
        assert await office.turn(hook)
        office.made.hand.time += timedelta(days=4)
        assert await office.turn(hook)
        assert (await office.calls(hook))[0].state == "waiting"


async def test_two_processes_tell_each_change_once(office: Office) -> None:
    async with receiving() as receiver:
        await office.add(receiver)
        async with office.telling(), office.telling(), office.telling():
            for _ in range(5):
                await office.made.make(30)
            await receiver.wait_for(lambda: len(receiver.members) >= 150)
    assert sorted(receiver.members) == [f"M{n:04d}" for n in range(150)]


async def test_a_receiver_that_is_away_is_not_given_a_heap(office: Office) -> None:
    """The log keeps what has not been turned into calls; all of it comes in the end."""
    async with receiving() as receiver:
        hook = await office.add(receiver)
        await office.made.make(5)
        async with office.engine.begin() as conn:
            for n in range(1_000):
                await webhook_calls.add(
                    conn, hook, public_id=f"x{n}", kind="test", payload=b"{}", items=0,
                    position=0, now=office.made.hand.time,
                )  # fmt: skip
        assert await office.turn(hook)
        assert len(await office.calls(hook)) == 1_000
        assert await office.turn(hook)
        assert (await office.webhook(hook)).position > 0


async def test_secrets_are_changed_without_a_gap(office: Office) -> None:
    old, new = Secret.new(SecretKind.HMAC), Secret.new(SecretKind.ED25519)
    async with receiving() as receiver:
        hook = await office.add(receiver, secret=old)
        async with office.engine.begin() as conn:
            now = office.made.hand.time
            await webhooks.add_secret(conn, hook, new.kind, new.key, now=now)
        assert await subscribing.test(office.desk, hook) is CallOutcome.TAKEN
        async with office.engine.begin() as conn:
            first, second = await webhooks.secrets_of(conn, hook)
            assert await webhooks.drop_secret(conn, hook, first.secret_id)
            assert not await webhooks.drop_secret(conn, hook, second.secret_id)
        assert await subscribing.test(office.desk, hook) is CallOutcome.TAKEN
    both, one = (g.headers["webhook-signature"].split(" ") for g in receiver.got)
    assert [s.partition(",")[0] for s in both] == ["v1", "v1a"]
    assert [s.partition(",")[0] for s in one] == ["v1a"]
    assert receiver.got[0].json["type"] == "test"


async def test_where_we_do_not_call_is_refused(office: Office) -> None:
    async with receiving() as receiver:
        with pytest.raises(BadInput) as told:
            await subscribing.add(
                office.desk, "http://10.0.0.1/", source=None, states=(), from_start=True,
                secret=Secret.new(SecretKind.HMAC), actor=TEST,
            )  # fmt: skip
        assert [(e.field, e.code) for e in told.value.errors] == [("url", "address_not_allowed")]
        assert receiver.got == []
