"""``notifier track``, ``returns``, ``suppressions`` and ``letters returned`` as staff have them."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from notifier.model.message import public_number
from tests.cli.terminal import Terminal
from tests.returns.desk import Desk, bounce
from tests.returns.reports import report


@pytest.fixture
def desk(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Desk:
    return Desk(engine, post_office, tmp_path / "rig")


def lines(said: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


async def test_files_take_effect_once(notifier: Terminal, desk: Desk, tmp_path: Path) -> None:
    first, second = await desk.sent(2)
    box = tmp_path / "box"
    box.mkdir()
    for n, message in enumerate((first, second)):
        data = report(message["token"], await desk.address(message))
        (box / f"{n}.eml").write_bytes(data)
    (box / "2.eml").write_bytes(b"From: x@example.jp\nSubject: ?\n\n?\n")
    notifier("track", str(box), "--dry-run", "--json")
    assert await desk.state(first["message_id"]) == ("sent", "accepted")
    said = notifier("track", str(box), "--json")
    told = lines(said)
    assert [(t["kind"], t["standing"], t["message"]) for t in told] == [
        ("bounced", "applied", public_number(first["message_id"])),
        ("bounced", "applied", public_number(second["message_id"])),
        ("reply", "person", None),
    ]
    assert "3 件: 反映済み 2, 確認が必要 1" in said
    assert "3 件: 受領済み 3" in notifier("track", str(box))
    for message in (first, second):
        assert (await desk.state(message["message_id"]))[0] == "bounced"
        assert len(await desk.entries(message["message_id"])) == 1
    assert len(await desk.suppressed()) == 2


async def test_a_person_settles_what_nobody_could_tell(
    notifier: Terminal, desk: Desk, tmp_path: Path
) -> None:
    [message] = await desk.sent()
    number = public_number(message["message_id"])
    for n, words in enumerate((b"Der Empfaenger ist verzogen.", b"y" * 40)):
        file = tmp_path / "box" / f"{n}.eml"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"From: x@example.jp\nSubject: ?\n\n%s\n" % words)
    notifier("track", str(tmp_path / "box"))
    other, one = re.findall(r"^(\d+) ", notifier("returns", "list"), re.MULTILINE)
    assert "verzogen" in notifier("returns", "show", one)
    said_so = ("--kind", "bounced", "--reason", "moved")
    assert number in notifier("returns", "settle", one, "--message", number, *said_so)
    assert await desk.state(message["message_id"]) == ("bounced", "bounced_for_good")
    notifier("returns", "settle", other, "--ignore")
    assert "対象外" in notifier("returns", "counts")
    notifier("messages", "not-bounced", number, "--note", "読み違い")
    assert await desk.state(message["message_id"]) == ("sent", "misread")
    assert await desk.suppressed() == []
    assert "恒久" in notifier("messages", "show", number)


async def test_suppressions(notifier: Terminal, desk: Desk, tmp_path: Path) -> None:
    [message] = await desk.sent()
    address = await desk.address(message)
    await desk.apply(bounce(message["token"], address))
    assert address in notifier("suppressions", "list")
    why = notifier("suppressions", "show", address.upper())
    assert public_number(message["message_id"]) in why
    assert "no such user here" in why
    notifier("suppressions", "lift", "1", "--note", "電話で確認")
    assert await desk.suppressed() == []
    notifier("suppressions", "add", "Nagisa@example.jp", "--note", "本人の希望")
    out = tmp_path / "out.csv"
    notifier("suppressions", "export", "-o", str(out))
    text = out.read_text("utf-8-sig")
    assert "nagisa@example.jp,by_person" in text
    out.write_text(f"{text}minato@example.jp\n")
    assert "停止: 1、登録済み: 1" in notifier("suppressions", "import", str(out))


async def test_what_no_suppression_can_be(notifier: Terminal, desk: Desk) -> None:
    notifier("suppressions", "lift", "7", "--note", "x", code=1)
    notifier("suppressions", "show", "nobody@example.jp", code=1)
    past = ("--note", "x", "--until", "2020-01-01")
    assert "until" in notifier("suppressions", "add", "a@example.jp", *past, code=1)
    assert await desk.suppressed() == []


def test_returned_letters_are_named_by_line(notifier: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "returned.csv"
    file.write_text("番号,理由\nM000000077,転居先不明\n")
    assert "2行目 番号: 印刷に回した手紙にありません" in notifier(
        "letters", "returned", str(file), code=1
    )
    given = b"M000000077\nM000000078\n"
    assert "M000000078" in notifier("letters", "scan", "refused", given=given, code=1)


async def test_the_relays_log(notifier: Terminal, desk: Desk, tmp_path: Path) -> None:
    [message] = await desk.sent()
    token, address = message["token"], await desk.address(message)
    log = tmp_path / "mail.log"
    log.write_text(
        f"Jul 16 10:00:00 relay postfix/qmgr[7]: 4BCDEF: from=<b+{token}@bounce.example.jp>,"
        " size=9, nrcpt=1 (queue active)\n"
        f"Jul 16 10:00:01 relay postfix/smtp[8]: 4BCDEF: to=<{address}>,"
        " relay=mx.member.example.jp[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1,"
        " status=bounced (host mx.member.example.jp[192.0.2.1] said: 550 5.1.1 unknown user"
        " (in reply to RCPT TO command))\n"
    )
    assert "1 件: 反映済み 1" in notifier("relay-log", str(log))
    assert "1 件: 受領済み 1" in notifier("relay-log", str(log))
    assert await desk.entries(message["message_id"]) == [("bounced", "user_unknown")]
