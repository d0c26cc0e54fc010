"""Files with something wrong in them: it is named, and nothing is half done."""

import json

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.store import members, schemes
from notifier.store.db import scalar
from tests.cli.terminal import Terminal
from tests.samples import NOW, SCHEME, amounts, charge, cloud, member

_BAD_MEMBERS = '会員番号,氏名,メールアドレス\nM1,潮田 凪,\n,x,\nM3,"a\r\nBcc: b",\nM1,y,a@@b\n'


async def test_every_bad_cell_of_a_register_is_named(
    notifier: Terminal, engine: AsyncEngine
) -> None:
    file = notifier.settings.var / "members.csv"
    file.write_bytes(_BAD_MEMBERS.encode("cp932"))
    for language, line in (("ja", "{}行目"), ("en", "line {}")):
        said = notifier("members", "import", str(file), code=1, env={"NOTIFIER_LOCALE": language})
        for number, column in ((3, "会員番号"), (4, "氏名"), (6, "メールアドレス")):
            assert f"{line.format(number)} {column}" in said
    file.write_bytes(_BAD_MEMBERS.replace("M1,y", "M1,髙").encode("euc_jp", "ignore"))
    assert "file" in notifier("members", "import", str(file), code=1)
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM members") == 0


async def test_a_bad_line_of_events_is_named_and_nothing_is_sent(
    notifier: Terminal, engine: AsyncEngine
) -> None:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
    good = cloud("member.updated", {"member_no": "M0001", "name": "潮田 凪"})
    odd = {**good, "id": "odd", "data": {"[/red]\x1b[31m": 1, "member_no": "M2", "name": "x"}}
    lines = "\n".join(map(json.dumps, (good, odd))) + "\n\nnope\n"
    said = notifier("events", "send", "-", given=lines.encode(), code=1)
    assert "2行目 data.[/red]\ufffd[31m" in said  # neither markup nor a command to the terminal
    assert "4行目 body" in said
    unknown = cloud("billing.charge.submitted", charge("NOBODY", amounts=amounts()))
    said = notifier("events", "send", "-", given=json.dumps(unknown).encode(), code=1)
    assert "1行目 data.member_no" in said
    assert "/no/such" in notifier("events", "send", "/no/such", code=1)
    assert "file" in notifier("events", "send", "-", code=1)
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM events") == 0


async def test_what_is_in_of_a_file_is_said_and_a_second_run_adds_the_rest(
    notifier: Terminal, engine: AsyncEngine
) -> None:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        await members.save(conn, [(member("M0001"), NOW)], now=NOW)
    lines = [
        json.dumps(cloud("billing.charge.submitted", charge(number, amounts=amounts())))
        for number in ("M0001", *(["M0001"] * 699), "NOBODY", *(["M0001"] * 499))
    ]

    def send(code: int, *more: str) -> str:
        given = "\n".join((*lines, *more)).encode()
        return notifier(
            "events", "send", "-", given=given, code=code, env={"NOTIFIER_LOCALE": "en"}
        )

    said = send(1)
    assert "line 701 data.member_no" in said
    assert "Lines 1 to 500 are in (500 new, 0 on record already)" in said
    assert "Nothing of lines 501 to 1000 was taken in; the 200 events behind" in said
    assert "nothing was changed." not in said
    lines[700] = lines[0]
    odd = cloud("billing.charge.submitted", charge(amounts=amounts()), id="4111111111111111")
    said = send(0, json.dumps(odd))
    assert "700 new events taken in, 501 on record already" in said
    assert "line 1201 id: looks like a card number" in said
    said = send(1, json.dumps({**odd, "time": "2025-07-15T11:00:00+09:00"}))
    assert "line 1201 id" in said  # another content under an id on record
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM events") == 1200
