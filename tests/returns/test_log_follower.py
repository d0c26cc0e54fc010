"""A relay's log is followed: each line once, over breaks, half lines and a log moved aside."""

from pathlib import Path

import pytest
from sqlalchemy import RowMapping

from notifier.returns.relay_log import LogFollower
from tests.returns.desk import Desk


def follower(desk: Desk, path: Path) -> LogFollower:
    return LogFollower(
        engine=desk.engine, path=path, bounce_domain="bounce.example.jp", now=desk.now
    )


def queued(message: RowMapping, queue_id: str) -> str:
    path = f"b+{message['token']}@bounce.example.jp"
    return f"Jul 16 10:00:00 relay postfix/qmgr[7]: {queue_id}: from=<{path}>, size=9, nrcpt=1 (queue active)\n"  # noqa: E501


def bounced(queue_id: str) -> str:
    said = (
        "host mx.example.jp[192.0.2.1] said: 550 5.1.1 unknown user (in reply to RCPT TO command)"
    )
    return (
        f"Jul 16 10:00:01 relay postfix/smtp[8]: {queue_id}: to=<a@example.jp>, relay=mx.example.jp"
        f"[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced ({said})\n"
    )


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def states(desk: Desk) -> list[str]:
    found = await desk.rows("SELECT state FROM messages ORDER BY message_id")
    return [r["state"] for r in found]


async def followed(one: LogFollower) -> None:
    while await one.look():
        pass


async def test_each_line_counts_once(desk: Desk, tmp_path: Path) -> None:
    first, second, third = await desk.sent(3)
    path = tmp_path / "mail.log"
    path.write_text(queued(first, "4AAAAA") + bounced("4AAAAA") + queued(second, "4BBBBB"))
    one = follower(desk, path)
    await followed(one)
    assert await states(desk) == ["bounced", "sent", "sent"]
    append(path, bounced("4BBBBB")[:40])  # it is being written
    await followed(one)
    append(path, bounced("4BBBBB")[40:])
    await followed(one)
    assert await states(desk) == ["bounced", "bounced", "sent"]
    append(path, queued(third, "4CCCCC") + bounced("4CCCCC"))
    await followed(follower(desk, path))  # another process, later
    assert await states(desk) == ["bounced"] * 3
    kept = await desk.rows("SELECT times FROM returns")
    assert [r["times"] for r in kept] == [1] * 3


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_log_that_was_moved_aside_is_read_to_its_end(
    desk: Desk, tmp_path: Path, emptied: bool
) -> None:
    first, second = await desk.sent(2)
    path = tmp_path / "mail.log"
    path.write_text(queued(first, "4AAAAA"))
    await followed(follower(desk, path))
    one = follower(desk, path)
    if emptied:  # copied away, as by copytruncate: what came in between is lost
        path.write_text("")
        await followed(one)
    else:
        append(path, queued(first, "4AAAAA") + bounced("4AAAAA"))
        path.rename(tmp_path / "mail.log.1")
        path.write_text("")
    append(path, queued(second, "4BBBBB") + bounced("4BBBBB"))
    await followed(one)
    assert await states(desk) == ["sent" if emptied else "bounced", "bounced"]


async def test_lines_longer_than_a_look_end_nothing(desk: Desk, tmp_path: Path) -> None:
    [message] = await desk.sent()
    path = tmp_path / "mail.log"
    path.write_bytes(b"\xff" * 600_000 + b"\n")
    append(path, queued(message, "4AAAAA") + bounced("4AAAAA"))
    await followed(follower(desk, path))
    assert await states(desk) == ["bounced"]


async def test_a_log_that_is_not_there_yet(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await follower(desk, tmp_path / "mail.log").look()
