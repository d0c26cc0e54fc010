"""``notifier members``: what an import changes is shown, asked for, on record, and can go back."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.model.actor import system
from notifier.model.member import Enrolment, Member
from notifier.store import member_changes, members, schemes
from notifier.store.db import row, scalar
from tests.cases.conftest import Hand
from tests.cli.terminal import Terminal, environment
from tests.samples import ADDRESS, NOTICES, NOW, SCHEME, charge_failed, event, member

_EARLIER = NOW.replace(day=1)


@pytest.fixture
async def register(engine: AsyncEngine) -> AsyncEngine:
    """Thirty members, all of them whole."""
    people = [member(f"M{n:04}", phone="03-0000-0000") for n in range(30)]
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=_EARLIER)
        await members.save(conn, [(m, _EARLIER) for m in people], now=_EARLIER)
    return engine


async def _members(engine: AsyncEngine) -> dict[str, Member]:
    async with engine.connect() as conn:
        found = await members.all_after(conn, 0, limit=1000)
    return {m.member_no: m for m in found}


def _file(notifier: Terminal, text: str) -> str:
    path = notifier.settings.var / "members.csv"
    path.write_text(text, "utf-8")
    return str(path)


async def test_columns_that_a_file_lacks_leave_their_values_alone(
    notifier: Terminal, register: AsyncEngine
) -> None:
    before = await _members(register)
    file = _file(notifier, "会員番号,氏名\nM0001,潮田 渚\nM0002,潮田 凪\n")
    said = notifier("members", "import", file, "--yes")
    assert "新規 0、変更 1、脱退 0、変更なし 1" in said
    assert "変更される項目: 氏名 1" in said
    assert "空になる" not in said
    after = await _members(register)
    assert after["M0001"].name == "潮田 渚"
    changed = {no for no, m in after.items() if m != before[no]}
    assert changed == {"M0001"}
    kept = {n: getattr(after["M0001"], n) for n in ("email", "address", "phone", "enrolments")}
    assert kept == {n: getattr(before["M0001"], n) for n in kept}
    assert "変更はありません" in notifier("members", "import", file)


async def test_an_emptied_cell_is_a_change_that_is_shown(
    notifier: Terminal, register: AsyncEngine
) -> None:
    file = _file(
        notifier,
        "会員番号,メールアドレス,建物名,制度,証券番号\nM0001,,みほん荘 101,,\n"
        "M0002,m0002@member.example.jp,,group-liability,P-1;P-2\n",
    )
    said = notifier("members", "import", file, "--dry-run")
    for part in (
        "空になる項目: メールアドレス 1, 制度 group-liability 1",
        "m0001@member.example.jp",
    ):
        assert part in said
    assert (await _members(register))["M0001"].email
    notifier("members", "import", file, "--max-changes", "1")
    found = (await _members(register))["M0001"]
    assert (found.email, found.enrolments, found.phone) == ("", (), "03-0000-0000")
    assert found.address is not None
    assert found.address.building == "みほん荘 101"
    assert found.address.city == ADDRESS.city


async def test_enrolments_in_other_schemes_stay(notifier: Terminal, register: AsyncEngine) -> None:
    other = Enrolment(scheme="other", policies=("Q-1",))
    held = member("M0001", enrolments=(*member().enrolments, other))
    async with register.begin() as conn:
        from dataclasses import replace

        second = replace(SCHEME, scheme="other", group_no="G-0002")
        await schemes.save(conn, second, actor=system("test"), now=NOW)
        await members.save(conn, [(held, _EARLIER)], now=_EARLIER)
    file = _file(notifier, "会員番号,制度,証券番号\nM0001,group-liability,P-9\n")
    notifier("members", "import", file, "--yes")
    found = (await _members(register))["M0001"]
    assert (found.policies_in("group-liability"), found.policies_in("other")) == (
        ("P-9",),
        ("Q-1",),
    )


async def test_consent(notifier: Terminal, register: AsyncEngine) -> None:
    before = await _members(register)
    rows = "".join(f"M{n:04},凪 {n}\n" for n in range(25))
    file = _file(notifier, f"会員番号,氏名\n{rows}")
    assert "端末からの実行ではない" in notifier("members", "import", file, code=1)
    said = notifier("members", "import", file, "--yes", code=1)
    assert "会員25件が変わります。--yes だけで変更できるのは20件まで" in said
    said = notifier("members", "import", file, "--max-changes", "24", code=1)
    assert "--max-changes の24件を超えます" in said
    assert await _members(register) == before
    async with register.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM member_imports") == 0
    assert "変更 25" in notifier("members", "import", file, "--max-changes", "25")
    assert (await _members(register))["M0024"].name == "凪 24"


def _at_terminal(notifier: Terminal, words: Sequence[str], answer: bytes) -> tuple[int, str]:
    """What a person at a terminal sees who gives an answer."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "notifier.cli", *words],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(notifier.settings),
        cwd=Path(__file__).parents[2],
    )
    os.close(theirs)
    os.write(ours, answer)
    said, _ = run.communicate()
    os.close(ours)
    return run.returncode, said.decode()


async def test_a_person_is_asked(notifier: Terminal, register: AsyncEngine) -> None:
    file = _file(notifier, "会員番号,氏名\nM0001,潮田 渚\n")
    code, said = _at_terminal(notifier, ["members", "import", file], b"n\n")
    assert (code, "会員1件を変更します" in said, "取りやめました" in said) == (1, True, True)
    assert (await _members(register))["M0001"].name == "潮田 凪"
    code, said = _at_terminal(notifier, ["members", "import", file], b"y\n")
    assert code == 0, said
    assert (await _members(register))["M0001"].name == "潮田 渚"


async def test_only_a_full_register_reads_absence_as_leaving(
    notifier: Terminal, register: AsyncEngine
) -> None:
    acceptor = Acceptor(register, NOTICES, Hand(), Hand())
    await acceptor.accept([charge_failed("M0029")], system("test"))
    rows = "".join(f"M{n:04}\n" for n in range(29))
    file = _file(notifier, "会員番号,氏名\n" + rows.replace("\n", ",潮田 凪\n"))
    assert "変更はありません" in notifier("members", "import", file)
    said = notifier("members", "import", file, "--full", "--yes")
    assert "脱退 1" in said
    assert "M0029" in said
    async with register.connect() as conn:
        case = await row(conn, "SELECT state, reason FROM cases")
        message = await scalar(conn, "SELECT state FROM messages")
    assert case is not None
    assert (case["state"], case["reason"], message) == ("closed", "member_left", "cancelled")
    assert (await _members(register))["M0029"].status == "left"
    notifier("members", "undo", "1", "--yes")
    assert (await _members(register))["M0029"].status == "active"
    async with register.connect() as conn:
        assert await scalar(conn, "SELECT state FROM cases") == "open"


async def test_an_import_can_be_taken_back(notifier: Terminal, register: AsyncEngine) -> None:
    before = await _members(register)
    rows = "M0001,潮田 渚,\nM0002,潮田 凪,new@mail.example.jp\nN1,浜 波,\n"
    file = _file(notifier, f"会員番号,氏名,メールアドレス\n{rows}")
    assert "notifier members undo 1" in notifier("members", "import", file, "--yes")
    assert "端末からの実行ではない" in notifier("members", "undo", "1", code=1)
    assert "潮田 渚" in notifier("members", "history", "M0001")
    said = notifier("members", "undo", "1", "--yes")
    assert "登録の取り消し 1、元に戻す 2" in said
    assert await _members(register) == before
    assert "すでに取り消されている" in notifier("members", "undo", "1", "--yes", code=1)
    assert "それ自体が取り消し" in notifier("members", "undo", "2", "--yes", code=1)
    assert "取り込み 9 は見つかりません" in notifier("members", "undo", "9", "--yes", code=1)
    told = notifier("members", "history", "M0001", "--json").splitlines()
    assert [
        (c["field"], c["before"], c["after"]) for k in told for c in [orjson.loads(k)["change"]]
    ] == [
        ("email", "", "m0001@member.example.jp"),
        ("name", "潮田 渚", "潮田 凪"),
        ("email", "m0001@member.example.jp", ""),
        ("name", "潮田 凪", "潮田 渚"),
    ]
    assert "登録の取り消し" in notifier("members", "history", "N1")


async def test_what_later_changes_stand_on_is_not_taken_back(
    notifier: Terminal, register: AsyncEngine
) -> None:
    rows = (
        "M0001,潮田 渚,a@mail.example.jp\nM0002,潮田 渚,b@mail.example.jp\nN1,浜 波,\nN2,浜 波,\n"
    )
    file = _file(notifier, f"会員番号,氏名,メールアドレス\n{rows}")
    notifier("members", "import", file, "--yes")
    acceptor = Acceptor(register, NOTICES, Hand(), Hand())
    told = {"member_no": "M0002", "name": "潮田 渚", "email": "c@mail.example.jp"}
    late = (NOW + timedelta(hours=1)).isoformat()
    heard = [
        event("member.updated", told, time=late),
        event("member.left", {"member_no": "N1", "left_on": "2025-07-16"}, time=late),
    ]
    await acceptor.accept(heard, system("test"))
    before = await _members(register)
    said = notifier("members", "undo", "1", "--yes", code=1)
    assert "M0002 メールアドレス" in said
    assert "N1 状態" in said
    assert "M0001" not in said
    assert "N2" not in said
    assert await _members(register) == before


async def test_what_an_event_changes_is_on_record(
    notifier: Terminal, register: AsyncEngine
) -> None:
    acceptor = Acceptor(register, NOTICES, Hand(), Hand())
    told = {"member_no": "M0001", "name": "潮田 渚", "email": "c@mail.example.jp"}
    await acceptor.accept([event("member.updated", told)], system("billing"))
    async with register.connect() as conn:
        known = await member_changes.of_member(conn, "M0001", limit=50)
        logged = await scalar(conn, "SELECT count(*) FROM log WHERE reason LIKE '%mail.example%'")
    by_field = {k.change.field: (k.change.before, k.change.after) for k in known}
    assert by_field["email"] == ("m0001@member.example.jp", "c@mail.example.jp")
    assert by_field["postcode"] == ("1000001", "")
    assert {(k.actor, k.event_id is not None) for k in known} == {("system:billing", True)}
    assert logged == 0
    said = notifier("members", "history", "M0001")
    assert "m0001@member.example.jp" in said
    assert "イベント 1" in said


async def test_leaving_and_what_takes_it_back_are_on_record(
    notifier: Terminal, register: AsyncEngine
) -> None:
    acceptor = Acceptor(register, NOTICES, Hand(), Hand())
    left = event("member.left", {"member_no": "M0001", "left_on": "2025-07-16"})
    again = {"member_no": "M0001", "name": "潮田 凪"}
    await acceptor.accept([left], system("billing"))
    back = event("member.updated", again, supersedes=left.id, time=NOW.isoformat())
    await acceptor.accept([back], system("billing"))
    async with register.connect() as conn:
        known = await member_changes.of_member(conn, "M0001", limit=50)
    moves = [k.change for k in reversed(known) if k.change.field == "status"]
    assert [(c.before, c.after) for c in moves] == [("active", "left"), ("left", "active")]
    said = notifier("members", "history", "M0001")
    assert "脱退" in said
    assert "member_status" not in said


async def test_find(notifier: Terminal, engine: AsyncEngine) -> None:
    place = replace(ADDRESS, street="千代田９−９−７７", postcode="1000077")
    odd = member(
        "M0007",
        name="髙﨑 凪",
        kana="タカサキ ナギ",
        email="takasaki@mail.example.jp",
        phone="03-0000-1234",
        address=place,
        enrolments=(),
    )
    others = [member(f"X{n}", enrolments=()) for n in range(3)]
    async with engine.begin() as conn:
        await members.save(conn, [(m, NOW) for m in (odd, *others)], now=NOW)
    names = ("m0007", "高崎", "髙﨑凪", "ﾀｶｻｷ", "たかさき", "takasaki@")
    for sought in (*names, "千代田9-9-77", "100-0077", "0300001234"):
        said = notifier("members", "find", sought)
        assert ("M0007" in said, "X1" in said) == (True, False), sought


async def test_a_member_nobody_knows(notifier: Terminal, register: AsyncEngine) -> None:
    for words in (("show", "M9999"), ("history", "M9999")):
        assert "会員 M9999 は見つかりません" in notifier("members", *words, code=1)
    assert "該当する会員はいません" in notifier("members", "find", "居ない", code=1)
    assert "TEXT" in notifier("members", "find", " - ", code=1)
    said = notifier("members", "show", "M0001")
    for part in ("潮田 凪 様", "m0001@member.example.jp", "千代田9-9-9", "P-1;P-2"):
        assert part in said


#: At the terminal: file → field and sentence; nothing is changed by any of them.
TERMINAL = (
    (b"PK\x03\x04\x14\0", "file: Excelのブックです"),
    ("会員番号,氏名\nM1,凪\n".encode("utf-16"), "file: 文字コードがUTF-16"),
    ("会員番号;氏名\nM0001;凪\n".encode(), "1行目 file: 列がコンマではなく「;」"),
    ("会員番号,氏名\nM0001,渚 様\n".encode(), "2行目 氏名: 敬称"),
    ("会員番号,氏名\nM0001,evil.example\n".encode(), "2行目 氏名: メールでリンクになる"),
    ("会員番号,都道府県\nN1,東京都\n".encode(), "2行目 氏名: "),
    ("会員番号,市区町村\nM0001,\n".encode(), "2行目 市区町村: "),
    ("会員番号,氏名\n".encode(), "file: 見出しの下に行がありません"),
)


async def test_by_what_is_wrong_nothing_is_changed(notifier: Terminal, engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await members.save(conn, [(member(enrolments=()), NOW)], now=NOW)
        before = await members.by_number(conn, ["M0001"])
    path = notifier.settings.var / "members.csv"
    for data, sentence in TERMINAL:
        path.write_bytes(data)
        said = notifier("members", "import", str(path), "--max-changes", "999", code=1)
        assert sentence in said
        assert "何も変更していません" in said
    async with engine.connect() as conn:
        assert await members.by_number(conn, ["M0001"]) == before
        assert await scalar(conn, "SELECT count(*) FROM members") == 1
        assert await member_changes.imports(conn, limit=9) == []
