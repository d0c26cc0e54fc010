"""The listener: takes what is ours, commits before it says so, and survives everybody."""

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiosmtplib
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.inbox import Inbox
from notifier.model.states import State
from notifier.returns.listener import Addresses, Listener
from notifier.returns.receiver import Mail, ReturnReceiver
from notifier.store import tracking
from notifier.store.db import connect
from tests.delivery.rig import eventually
from tests.returns.desk import Desk
from tests.returns.reports import report

_BOUNCE = "bounce.example.jp"
REPLY_TO = "toiawase@example.jp"


@asynccontextmanager
async def listening(
    desk: Desk, engine: AsyncEngine | None = None, **more: Any
) -> AsyncIterator[Listener]:
    async def reply_to() -> Collection[str]:
        await desk.rows("SELECT 1 AS one")
        return {REPLY_TO}

    async def came_back(token: str) -> int | None:
        async with (engine or desk.engine).connect() as conn:
            return await tracking.came_back(conn, token)

    inbox = Inbox(**{"port": 0, "addresses": ("fbl@example.jp",), **more})
    post_desk = ReturnReceiver(engine=engine or desk.engine, now=desk.now)
    listener = Listener(post_desk, Addresses(inbox, _BOUNCE, reply_to, came_back), inbox)
    await listener.open()
    try:
        yield listener
    finally:
        await listener.close()


async def send(listener: Listener, to: str, data: bytes) -> tuple[int, str]:
    """Give a mail to the listener; the last reply."""
    async with aiosmtplib.SMTP(
        hostname="127.0.0.1", port=listener.port, start_tls=False, use_tls=False
    ) as client:
        await client.mail("")
        try:
            await client.rcpt(to)
            return await client.data(data)
        except aiosmtplib.SMTPResponseException as refused:
            return refused.code, refused.message


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("b+{token}@bounce.example.jp", 250),
        ("B+{TOKEN}@Bounce.Example.JP", 250),
        ("b+aaaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example.jp", 550),
        ("B+AAAAAAAAAAAAAAAAAAAAAAAAA7@Bounce.Example.JP", 550),
        ("b+aaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example.jp", 550),
        ("b+aaaaaaaaaaaaaaaaaaaaaaaaaa@other.example.jp", 550),
        ("b+aaaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example.jp.example.com", 550),
        ("abuse@bounce.example.jp", 250),
        ("fbl@example.jp", 250),
        (REPLY_TO, 250),
        ("hoken@example.jp", 550),
        ("root@localhost", 550),
    ],
)
async def test_what_is_ours_is_taken_and_nothing_else(desk: Desk, to: str, code: int) -> None:
    [message] = await desk.sent()
    to = to.format(token=message["token"], TOKEN=message["token"].upper())
    async with listening(desk) as listener:
        said = await send(listener, to, b"Subject: x\r\n\r\nhello\r\n")
    assert said[0] == code
    assert len(await desk.rows("SELECT return_id FROM returns")) == (code == 250)


async def test_a_bounce_is_on_record_before_it_is_taken(desk: Desk) -> None:
    [message] = await desk.sent()
    data = report(message["token"], await desk.address(message))
    async with listening(desk) as listener:
        to = f"b+{message['token']}@{_BOUNCE}"
        code, said = await send(listener, to, data)
        assert code == 250
        assert await desk.state(message["message_id"]) == ("bounced", "bounced_for_good")
        assert await send(listener, to, data) == (code, said)  # a server that has not heard us
    [kept] = await desk.rows("SELECT * FROM returns JOIN return_raws USING (return_id)")
    assert (kept["raw"], kept["times"], kept["source"]) == (data, 2, "smtp")
    assert kept["recipients"] == [to]


async def test_many_at_once_each_get_their_own_answer(desk: Desk) -> None:
    sent = await desk.sent(20)
    mails = [(m, report(m["token"], await desk.address(m))) for m in sent]
    async with listening(desk) as listener:
        said = await asyncio.gather(
            *(send(listener, f"b+{m['token']}@{_BOUNCE}", data) for m, data in mails),
            *(send(listener, "fbl@example.jp", data) for _, data in mails[:3]),
        )
    found = await desk.rows("SELECT return_id, message_id, times FROM returns")
    about = {f"2.0.0 OK R{r['return_id']}": r["message_id"] for r in found}
    assert [about[text] for _, text in said] == [m["message_id"] for m, _ in (*mails, *mails[:3])]
    assert sum(r["times"] for r in found) == 23
    assert len(await desk.suppressed()) == 20


async def test_who_hangs_up_holds_up_nobody(desk: Desk) -> None:
    post = ReturnReceiver(engine=desk.engine, now=desk.now)
    given = [Mail(b"Subject: %d\n\n" % n, "smtp") for n in range(12)]
    tasks = [asyncio.create_task(post.receive([one])) for one in given]
    await eventually(lambda: desk.rows("SELECT return_id FROM returns"))
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [one for one in done if isinstance(one, Exception)]
    assert len(await desk.rows("SELECT return_id FROM returns")) >= 6


async def test_too_large_is_refused_and_the_next_is_taken(desk: Desk) -> None:
    async with listening(desk, most_megabytes=1) as listener:
        large = b"Subject: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 10_500
        assert (await send(listener, "fbl@example.jp", large))[0] == 552
        code, _ = await send(listener, "fbl@example.jp", b"Subject: small\r\n\r\n")
        assert code == 250
    assert len(await desk.rows("SELECT return_id FROM returns")) == 1


async def test_a_line_without_end_is_cut_off(desk: Desk) -> None:
    async with listening(desk, most_megabytes=1) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        for line in ("EHLO x", "MAIL FROM:<>", "RCPT TO:<fbl@example.jp>", "DATA"):
            writer.write(f"{line}\r\n".encode())
            await writer.drain()
        with pytest.raises(ConnectionError):  # noqa: PT012 (it breaks somewhere on the way)
            for _ in range(400):
                writer.write(b"x" * 65_536)
                await writer.drain()
        writer.close()
        assert (await send(listener, "fbl@example.jp", b"Subject: s\r\n\r\n"))[0] == 250
        del reader


async def test_what_is_nested_without_end_is_kept_for_a_person(desk: Desk) -> None:
    levels = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1)
        for n in range(5_000)
    )
    parts = b"".join(b"--b\r\n\r\n<u%d@example.jp>: unknown\r\n" % n for n in range(10_000))
    head = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b"
    async with listening(desk) as listener:
        for data in (head + b"0\r\n\r\n" + levels, head + b"\r\n\r\n" + parts):
            assert (await send(listener, "fbl@example.jp", data))[0] == 250
    found = await desk.rows("SELECT standing FROM returns")
    assert [r["standing"] for r in found] == ["person"] * 2


async def test_while_the_record_is_away_nothing_is_taken(desk: Desk) -> None:
    away = connect("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    async with listening(desk, away) as listener:
        for to in ("fbl@example.jp", f"b+{'a' * 26}@{_BOUNCE}"):
            assert (await send(listener, to, b"Subject: x\r\n\r\n"))[0] == 451
    await away.dispose()


async def test_one_connection_too_many(desk: Desk) -> None:
    async with listening(desk, connections=2) as listener:
        lines = []
        writers = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            lines.append(await reader.readline())
            writers.append(writer)
        assert [line[:3] for line in lines] == [b"220", b"220", b"421"]
        for writer in writers:
            writer.close()


async def test_lmtp_answers_for_each_recipient(desk: Desk) -> None:
    [message] = await desk.sent()
    paths = [f"b+{message['token']}@{_BOUNCE}", REPLY_TO]
    async with listening(desk, protocol="lmtp") as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        talk = ["LHLO x", "MAIL FROM:<>", *(f"RCPT TO:<{p}>" for p in paths), "DATA"]
        answers = [await reader.readline()]
        for line in talk:
            writer.write(f"{line}\r\n".encode())
            while (answer := await reader.readline())[3:4] == b"-":
                pass
            answers.append(answer)
        data = report(message["token"], await desk.address(message))
        writer.write(data.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
        answers += [await reader.readline(), await reader.readline()]
        writer.close()
    assert [a[:3] for a in answers] == [b"220"] + [b"250"] * 4 + [b"354"] + [b"250"] * 2
    assert (await desk.state(message["message_id"]))[0] == State.BOUNCED


async def test_junk_on_the_line_harms_nobody(desk: Desk) -> None:
    dice = random.Random(7)
    words = [b"EHLO x", b"MAIL FROM:<>", b"RCPT TO:<fbl@example.jp>", b"DATA", b".", b"RSET"]
    words += [b"MAIL FROM:<\xff\x00>", b"RCPT TO:<a@b> NOTIFY=\xff", b"BDAT 9", b"STARTTLS"]
    words += [b"AUTH PLAIN AA==", b"QUIT"]
    async with listening(desk, most_megabytes=1) as listener:
        for _ in range(300):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            try:
                for _ in range(dice.randrange(12)):
                    junk = dice.choice([*words, dice.randbytes(dice.randrange(300))])
                    writer.write(junk + dice.choice([b"\r\n", b"\n", b"", b"\r\n\r\n"]))
                await writer.drain()
            except ConnectionError:
                pass
            writer.close()
            del reader
        code, _ = await send(listener, "fbl@example.jp", b"Subject: fine\r\n\r\n")
        assert code == 250
