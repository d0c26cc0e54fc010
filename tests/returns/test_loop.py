"""The loop: a real Postfix takes, refuses, bounces and delivers, and its reports come back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from notifier.app.sweep import sweep as cases_sweep
from notifier.demo.post_office import PostOffice, Rule, Stage
from notifier.model.reasons import Reason
from notifier.model.relay import Dsn, RelayKind
from notifier.model.states import State
from notifier.returns.relay_log import LogFollower
from notifier.returns.sweep import sweep
from tests.cases.conftest import Office
from tests.delivery.proxy import Cut, Proxy
from tests.delivery.rig import eventually
from tests.dovecot import Dovecot
from tests.postfix import BOUNCES, BOX, FULL, GONE, ONWARD, REFUSED, Postfix
from tests.returns.desk import DAY, Desk
from tests.returns.test_listener import listening
from tests.returns.test_mailbox import put, reading
from tests.samples import charge_failed

Stand = tuple[str, str]


@pytest.fixture
def desk(desk: Desk, postfix: Postfix) -> Iterator[Desk]:
    """It sends through Postfix, and asks to be told of deliveries."""
    desk.relay = postfix.relay(dsn=Dsn.SUCCESS)
    yield desk
    print(postfix.log.read_text()[-20_000:])  # noqa: T201 (seen when a test has failed)


@asynccontextmanager
async def open_loop(desk: Desk, postfix: Postfix) -> AsyncIterator[None]:
    """Deliver, and take what comes back to the return paths."""
    async with listening(desk, port=postfix.back, protocol="lmtp"), desk.at_work():
        yield


async def sent_to(desk: Desk, *addresses: str) -> list[int]:
    return [await desk.send(to=await desk.register(email=one)) for one in addresses]


async def stands(desk: Desk, *ids: int, at: State) -> list[Stand]:
    """States and reasons, once all are in one state."""
    for one in ids:
        await desk.until(one, at)
    return [await desk.state(one) for one in ids]


async def test_it_closes_without_help(desk: Desk, postfix: Postfix, tmp_path: Path) -> None:
    """Refused at RCPT, bounced later for good and for now, refused by the next, delivered."""
    async with PostOffice(tmp_path / "next", port=postfix.next_hop) as office:
        office.rules.set(
            Rule(stage=Stage.END, address=f"spam@{ONWARD}", reply="554 5.7.1 rejected as spam"),
            Rule(stage=Stage.RCPT, address=f"nobody@{ONWARD}", reply="550 5.1.1 unknown user"),
        )
        addresses = [f"hanako@{GONE}", f"hanako@{FULL}", f"nobody@{ONWARD}", f"spam@{ONWARD}"]
        arriving = [f"hanako@{BOX}", f"hanako@{ONWARD}"]
        async with open_loop(desk, postfix):
            [refused] = await sent_to(desk, REFUSED)
            back = await sent_to(desk, *addresses)
            mailbox, relayed = await sent_to(desk, *arriving)
            assert await stands(desk, refused, at=State.FAILED) == [
                ("failed", Reason.PERMANENT_REFUSAL)
            ]
            assert [why for _, why in await stands(desk, *back, at=State.BOUNCED)] == [
                Reason.BOUNCED_FOR_GOOD,
                Reason.BOUNCED_FOR_NOW,
                Reason.BOUNCED_FOR_GOOD,
                Reason.BOUNCED_FOR_NOW,
            ]
            arrived = await stands(desk, mailbox, at=State.DELIVERED)
            assert arrived == [("delivered", Reason.REPORTED_DELIVERED)]
            await eventually(lambda: desk.entries(relayed))
    entries = [await desk.entries(one) for one in (*back, mailbox, relayed)]
    assert entries == [
        [("bounced", "user_unknown")],
        [("bounced", "mailbox_full")],
        [("bounced", "user_unknown")],
        [("bounced", "spam")],
        [("delivered", None)],
        [("delivered", None)],
    ]
    levels = await desk.rows("SELECT message_id, level FROM tracking WHERE kind = 'delivered'")
    assert {r["message_id"]: r["level"] for r in levels} == {
        mailbox: "mailbox",
        relayed: "next_accepted",
    }
    assert await desk.state(relayed) == ("sent", Reason.ACCEPTED)  # a server has it, no mailbox
    assert {(a, why) for a, why, _ in await desk.suppressed()} == {
        (f"hanako@{GONE}", "hard_bounce"),
        (f"nobody@{ONWARD}", "hard_bounce"),
    }
    assert postfix.box.read_bytes().count(b"\nMessage-ID: <") == 1


async def test_a_direct_relays_refusal_suppresses(desk: Desk, postfix: Postfix) -> None:
    desk.relay = postfix.relay(kind=RelayKind.DIRECT)
    [refused] = await sent_to(desk, REFUSED)
    async with desk.at_work():
        await desk.until(refused, State.FAILED)
    for _ in range(2):
        await sweep(desk.engine, direct=[desk.relay.label], now=desk.time)
    assert await desk.entries(refused) == [("bounced", "user_unknown")]
    assert await desk.suppressed() == [(REFUSED, "hard_bounce", 1)]


async def test_a_letter_takes_over_and_the_next_mail_is_not_sent(
    desk: Desk, office: Office, postfix: Postfix
) -> None:
    await desk.run(
        """UPDATE member_contacts SET email_index = address_index(:email),
               contact = convert_to(jsonb_set(convert_from(contact, 'UTF8')::jsonb, '{email}',
                   to_jsonb(CAST(:email AS text)))::text, 'UTF8')
           WHERE member_id = (SELECT member_id FROM members WHERE member_no = 'M0001')""",
        email=f"hanako@{GONE}",
    )
    await office.accept(charge_failed())
    desk.time = office.hand.now() + DAY
    async with open_loop(desk, postfix):
        await stands(desk, 1, at=State.BOUNCED)
    house = await office.house()
    await cases_sweep(desk.engine, house, now=desk.time)
    mail, letter = await desk.rows("SELECT * FROM messages ORDER BY message_id")
    assert (mail["fallback"], letter["channel"], letter["state"]) == ("letter", "letter", "queued")
    assert (letter["case_id"], letter["in_place_of"]) == (mail["case_id"], mail["message_id"])
    known = await desk.rows("SELECT kind, after FROM log WHERE case_id = :id", id=mail["case_id"])
    assert ("tracking", "bounced") in {(r["kind"], r["after"]) for r in known}
    again = await desk.send(to=mail["member_id"])
    assert await desk.state(again) == ("suppressed", Reason.ADDRESS_SUPPRESSED)


async def uncertain(desk: Desk, postfix: Postfix) -> list[int]:
    """A mail that will bounce and one that will arrive; the relay's replies got lost."""
    async with Proxy(postfix.port, Cut.REPLY).open() as proxy:
        desk.relay = postfix.relay(port=proxy.port, dsn=Dsn.SUCCESS)
        ids = await sent_to(desk, f"hanako@{GONE}", f"hanako@{BOX}")
        async with desk.at_work():
            for one in ids:
                await desk.until(one, State.UNCERTAIN)
    return ids


async def test_what_nobody_knew_is_settled_by_its_reports(desk: Desk, postfix: Postfix) -> None:
    gone, box = await uncertain(desk, postfix)
    async with listening(desk, port=postfix.back, protocol="lmtp"):
        assert await stands(desk, gone, at=State.BOUNCED) == [("bounced", Reason.BOUNCED_FOR_GOOD)]
        arrived = await stands(desk, box, at=State.DELIVERED)
        assert arrived == [("delivered", Reason.REPORTED_DELIVERED)]


async def test_what_nobody_knew_is_settled_by_the_log(desk: Desk, postfix: Postfix) -> None:
    gone, box = await uncertain(desk, postfix)
    async with following(desk, postfix):
        assert await stands(desk, gone, at=State.BOUNCED) == [("bounced", Reason.BOUNCED_FOR_GOOD)]
        arrived = await stands(desk, box, at=State.DELIVERED)
    assert arrived == [("delivered", Reason.TAKEN_BY_NEXT)]


async def test_through_a_mailbox(desk: Desk, postfix: Postfix, dovecot: Dovecot) -> None:
    """What Postfix has written lies in a mailbox, as where no server of ours may listen."""
    gone, box = await sent_to(desk, f"hanako@{GONE}", f"hanako@{BOX}")
    async with desk.at_work():
        for one in (gone, box):
            message = await desk.until(one, State.SENT)
            waiting = await asyncio.to_thread(
                postfix.queued, to=f"b+{message['token']}@bounce.example.jp"
            )
            await asyncio.to_thread(put, dovecot, postfix.content(waiting["queue_id"]))
    async with reading(desk, dovecot):
        assert await stands(desk, gone, at=State.BOUNCED) == [("bounced", Reason.BOUNCED_FOR_GOOD)]
        await desk.until(box, State.DELIVERED)


async def test_a_log_tells_while_it_grows(desk: Desk, postfix: Postfix) -> None:
    async with following(desk, postfix), desk.at_work():
        gone, box = await sent_to(desk, f"hanako@{GONE}", f"hanako@{BOX}")
        await desk.until(gone, State.BOUNCED)
        arrived = await stands(desk, box, at=State.DELIVERED)
    assert arrived == [("delivered", Reason.TAKEN_BY_NEXT)]
    assert await desk.entries(gone) == [("bounced", "user_unknown")]


@asynccontextmanager
async def following(desk: Desk, postfix: Postfix) -> AsyncIterator[None]:
    """Follow Postfix's log within; an orderly stop at the end."""
    follower = LogFollower(
        engine=desk.engine, path=postfix.log, bounce_domain=BOUNCES, now=desk.now
    )
    stop = asyncio.Event()
    task = asyncio.create_task(follower.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)
