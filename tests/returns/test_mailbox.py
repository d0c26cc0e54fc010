"""A mailbox at a real IMAP server: each mail is taken once, whatever breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from imapclient import IMAPClient

from notifier.returns.mailbox import MailboxReader
from notifier.returns.receiver import ReturnReceiver
from notifier.store import returns
from tests.delivery.rig import eventually
from tests.dovecot import PASSWORD, USER, Dovecot
from tests.returns.desk import Desk
from tests.returns.reports import report


def at(dovecot: Dovecot, folder: str = "INBOX") -> IMAPClient:
    client = IMAPClient("127.0.0.1", dovecot.port, ssl=False)
    client.login(USER, PASSWORD)
    client.select_folder(folder)
    return client


def put(dovecot: Dovecot, *mails: bytes) -> None:
    with at(dovecot) as client:
        for mail in mails:
            client.append("INBOX", mail)


def held(dovecot: Dovecot, folder: str = "INBOX") -> list[tuple[bytes, ...]]:
    """The flags of the mails in a folder."""
    with at(dovecot, folder) as client:
        found = client.fetch(client.search("ALL"), ["FLAGS"]) if client.search("ALL") else {}
        return [tuple(sorted(set(f[b"FLAGS"]) - {b"\\Recent"})) for f in found.values()]


@asynccontextmanager
async def reading(desk: Desk, dovecot: Dovecot, **more: Any) -> AsyncIterator[None]:
    """A reader at work within; an orderly stop at the end."""
    stop = asyncio.Event()
    post_desk = ReturnReceiver(engine=desk.engine, now=desk.now)
    reader = MailboxReader(post_desk, dovecot.mailbox(**more), most_bytes=200_000)
    task = asyncio.create_task(reader.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def kept(desk: Desk, count: int) -> list[Any]:
    async def there() -> list[Any] | None:
        found = await desk.rows("SELECT * FROM returns ORDER BY return_id")
        return list(found) if len(found) >= count else None

    return await eventually(there)


async def bounces(desk: Desk, count: int) -> list[bytes]:
    sent = await desk.sent(count)
    return [report(m["token"], await desk.address(m)) for m in sent]


async def test_what_is_there_and_what_comes_while_idle(desk: Desk, dovecot: Dovecot) -> None:
    first, second, third = await bounces(desk, 3)
    put(dovecot, first, second)
    async with reading(desk, dovecot):
        await kept(desk, 2)
        await asyncio.sleep(0.2)  # it is idle by now, or about to be
        put(dovecot, third)
        found = await kept(desk, 3)
    assert [(r["standing"], r["times"]) for r in found] == [("applied", 1)] * 3
    assert {r["source"] for r in found} == {f"imap:{USER}@127.0.0.1/INBOX"}
    assert held(dovecot) == [(b"\\Seen",)] * 3
    states = await desk.rows("SELECT DISTINCT state FROM messages")
    assert [r["state"] for r in states] == ["bounced"]


async def test_done_is_where_they_go(desk: Desk, dovecot: Dovecot) -> None:
    put(dovecot, *await bounces(desk, 2))
    async with reading(desk, dovecot, done="Done"):
        await kept(desk, 2)
    assert held(dovecot) == []
    assert held(dovecot, "Done") == [(b"\\Seen",)] * 2


async def test_a_break_loses_and_doubles_nothing(desk: Desk, dovecot: Dovecot) -> None:
    mails = await bounces(desk, 6)
    put(dovecot, *mails[:2])
    async with reading(desk, dovecot):
        await kept(desk, 2)
        dovecot.halt()
        await asyncio.to_thread(dovecot.start)
        put(dovecot, *mails[2:4])
        await kept(desk, 4)
    put(dovecot, *mails[4:])
    async with reading(desk, dovecot):
        found = await kept(desk, 6)
    assert [r["times"] for r in found] == [1] * 6


async def test_a_stop_between_record_and_flag_is_made_up_for(desk: Desk, dovecot: Dovecot) -> None:
    put(dovecot, *await bounces(desk, 2))
    async with reading(desk, dovecot, done="Done"):
        await kept(desk, 2)
    with at(dovecot, "Done") as client:  # as if the move had not been made
        client.copy(client.search("ALL"), "INBOX")
        client.delete_messages(client.search("ALL"))
        client.expunge()
    with at(dovecot) as client:
        client.remove_flags(client.search("ALL"), [b"\\Seen"])
        highest = max(client.search("ALL"))
        validity = int(client.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"])
    async with desk.engine.begin() as conn:
        label = dovecot.mailbox().label
        await returns.move_cursor(conn, label, validity, highest, now=desk.time)

    async def moved() -> bool | None:
        return len(held(dovecot, "Done")) == 2 or None

    async with reading(desk, dovecot, done="Done"):
        await eventually(moved)
    assert [r["times"] for r in await kept(desk, 2)] == [1, 1]


async def test_another_uidvalidity_reads_all_and_applies_none_twice(
    desk: Desk, dovecot: Dovecot
) -> None:
    put(dovecot, *await bounces(desk, 2))
    async with reading(desk, dovecot):
        await kept(desk, 2)
    await desk.run("UPDATE return_cursors SET generation = generation - 1")

    async def twice() -> bool | None:
        found = await desk.rows("SELECT times FROM returns")
        return [r["times"] for r in found] == [2, 2] or None

    async with reading(desk, dovecot):
        await eventually(twice)
    assert len(await desk.rows("SELECT entry_id FROM tracking")) == 2


async def test_of_what_is_too_large_only_the_beginning(desk: Desk, dovecot: Dovecot) -> None:
    [mail] = await bounces(desk, 1)
    put(dovecot, mail + b"x" * 78 + (b"\r\n" + b"x" * 78) * 40_000)
    async with reading(desk, dovecot):
        [found] = await kept(desk, 1)
    assert found["size"] == 1_500_001
    assert found["standing"] == "applied"


async def test_without_idle_and_move(desk: Desk) -> None:
    plain = Dovecot(capability="IMAP4rev1 UIDPLUS")
    plain.start()
    try:
        put(plain, *await bounces(desk, 2))
        async with reading(desk, plain, done="Done"):
            await kept(desk, 2)
        assert held(plain) == []
        assert len(held(plain, "Done")) == 2
    finally:
        plain.stop()


async def test_a_wrong_password_is_tried_again_and_a_stop_is_heard(
    desk: Desk, dovecot: Dovecot
) -> None:
    async with reading(desk, dovecot, password="wrong"):
        await asyncio.sleep(0.5)
    assert await desk.rows("SELECT return_id FROM returns") == []
