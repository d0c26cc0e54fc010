"""Cases on the terminal, and what events would come to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.store import members, schemes
from notifier.store.db import scalar
from tests.cli.terminal import Terminal
from tests.samples import ADDRESS, NOW, SCHEME, amounts, charge, cloud, member

ENGLISH = {"NOTIFIER_LOCALE": "en", "COLUMNS": "160"}


async def _open(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        await members.save(conn, [(member(), NOW), (member("M0002"), NOW)], now=NOW)


def _failed(number: str = "M0001") -> dict[str, Any]:
    more = {"deadline": "2025-08-14", "recharge_on": "2025-08-15"}
    data = charge(number, amounts=amounts(), gateway="gmo", codes=["G02"], **more)
    return cloud("billing.card.charge_failed", data, time="2025-07-15T22:00:00+09:00")


def _settled() -> dict[str, Any]:
    data = {"member_no": "M0001", "charge_id": "C-M0001", "settled_on": "2025-08-08"}
    at = {"time": "2025-08-08T10:00:00+09:00"}
    return cloud("billing.charge.settled", data | {"amount": 3230}, **at)


def _file(folder: Path, *events: dict[str, Any]) -> str:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events))
    return str(path)


async def test_the_story_of_a_case_and_its_days_to_come(
    notifier: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    await _open(engine)
    notifier("events", "send", _file(tmp_path, _failed()))
    [line] = [
        one for one in notifier("cases", "list", env=ENGLISH).splitlines() if "C-M0001" in one
    ]
    assert "2025-08-14" in line
    said = notifier("cases", "show", "1", env=ENGLISH)
    for words in ("billing.card.charge_failed", "card error first (email) queued", "2025-08-14"):
        assert words in said
    days = said[said.index("2025-08-07") :]
    for words in ("2025-08-07", "7 days before", "2025-08-08", "2025-08-13", "2025-08-20"):
        assert words in days
    japanese = notifier("cases", "show", "1", env={"COLUMNS": "160"})
    assert "7日前" in japanese
    notifier.set_time(datetime(2025, 8, 8, 2, tzinfo=UTC))
    notifier("events", "send", _file(tmp_path, _settled()))
    assert "C-M0001" not in notifier("cases", "list", env=ENGLISH)
    assert "C-M0001" in notifier("cases", "list", "--state", "all", env=ENGLISH)
    assert "days before" not in notifier("cases", "show", "1", env=ENGLISH)
    assert "7" in notifier("cases", "show", "7", code=1)


async def test_what_would_be_said_on_which_day(
    notifier: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    await _open(engine)
    file = _file(tmp_path, _failed(), _failed("M0002"), _settled())
    days = ("--from", "2025-07-15", "--to", "2025-08-31")
    found = json.loads(notifier("simulate", file, *days, "--json"))
    told = [(m["day"], m["step"], m["member_no"]) for m in found["messages"]]
    assert sorted(told) == [
        ("2025-07-16", "first", "M0001"),  # told at 22:00 the day before
        ("2025-07-16", "first", "M0002"),
        ("2025-08-07", "before_7", "M0001"),
        ("2025-08-07", "before_7", "M0002"),
        ("2025-08-08", "before_3", "M0001"),  # went out at 9:00; the payment came at 10:00
        ("2025-08-08", "before_3", "M0002"),
        ("2025-08-13", "before_1", "M0002"),
        ("2025-08-20", "passed", "M0002"),
    ]
    calendar = notifier("simulate", file, *days)
    assert "08/20 水  再登録期限のお知らせ (期限経過)" in calendar
    assert "08/20 Wed  re-registration deadline (deadline passed)" in notifier(
        "simulate", file, *days, env=ENGLISH
    )
    async with engine.connect() as conn:  # nothing is sent or kept
        assert await scalar(conn, "SELECT count(*) FROM events") == 0
        assert (
            await scalar(conn, "SELECT count(*) FROM pg_database WHERE datname LIKE '%scratch%'")
            == 0
        )


async def test_a_scheme_that_is_not_registered_yet_can_be_tried(
    notifier: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    examples = Path(__file__).parents[2] / "docs" / "examples"
    people = tmp_path / "members.csv"
    a = ADDRESS
    people.write_text(
        "会員番号,氏名,カナ,メールアドレス,郵便番号,都道府県,市区町村,番地,制度,証券番号\n"
        f"M0001,潮田 凪,シオタ ナギ,m0001@member.example.jp,{a.postcode},{a.prefecture},{a.city},"
        f"{a.street},{SCHEME.scheme},P-1\n"
    )
    files = ("--scheme", str(examples / "group-liability.toml"), "--members", str(people))
    said = notifier(
        "simulate", _file(tmp_path, _failed()), "--from", "2025-07-15", "--to", "2025-07-31", *files
    )
    assert "カード決済エラーのお知らせ (初回)" in said
