"""``notifier inquiries`` and ``notifier report`` as staff have them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.store import members, schemes
from tests.cli.terminal import EXAMPLES, Terminal
from tests.samples import NOW, SCHEME, member

NAME = "leak-2025-07"


@pytest.fixture
async def mailed(notifier: Terminal, engine: AsyncEngine, tmp_path: Path) -> Terminal:
    """A terminal at a house that has mailed two members, on the day after the leak was found."""
    notifier.set_time(datetime(2025, 8, 6, 1, tzinfo=UTC))
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        await members.save(conn, [(member(n), NOW) for n in ("M0001", "M0002")], now=NOW)
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("member_no\nM0001\nM0002\n")
    facts = tmp_path / "leak.toml"
    text = (EXAMPLES / "leak.toml").read_text()
    name = next(line for line in text.splitlines() if line.startswith("name"))
    facts.write_text(text.replace(name, f'name = "{NAME}"'))
    notifier("letters", "apology", "--cohort", str(cohort), "--facts", str(facts))
    return notifier


async def test_from_call_to_report(mailed: Terminal, tmp_path: Path) -> None:
    told = "=1+1\n届いていない".encode()
    words = ("--topic", "not_received", "--channel", "counter", "--text", "-")
    number = mailed("inquiries", "add", "--message", "M000000001", *words, given=told).strip()
    mailed("inquiries", "add", "--kind", "complaint", "--mailing", NAME, "--by", "加盟店")
    assert "M000000001" in mailed("inquiries", "list", "--state", "open")
    assert "届いていない" in mailed("inquiries", "show", number)
    assert "届いていない" not in mailed("inquiries", "list")
    mailed("inquiries", "answer", number, "--text", "再送した")
    mailed("inquiries", "answer", number, code=1)
    shown = mailed("report", "--mailing", NAME)
    assert "未達（不達・返戻）" in shown
    figures = [line.split() for line in shown.splitlines()]
    assert ["通知の件数", "2"] in figures
    assert ["問い合わせ・苦情", "2"] in figures
    file = tmp_path / "inquiries.csv"
    mailed("inquiries", "export", "-o", str(file), "--words", "--mailing", NAME)
    lines = file.read_text("utf-8-sig")
    assert "'=1+1" in lines
    assert "再送した" in lines


async def test_what_is_refused(mailed: Terminal) -> None:
    assert "about" in mailed("inquiries", "add", code=1)
    assert "message" in mailed("inquiries", "add", "--message", "77", code=1)
    assert "received" in mailed(
        "inquiries", "add", "--mailing", NAME, "--received", "yesterday", code=1
    )
    late = "2099-01-01T00:00:00+09:00"
    assert "received" in mailed("inquiries", "add", "--mailing", NAME, "--received", late, code=1)
    mailed("inquiries", "show", "77", code=1)
    mailed("inquiries", "answer", "77", code=1)
    assert "nothing" in mailed("report", "--mailing", "nothing", code=1)
    assert "B000007" in mailed("report", "--batch", "B000007", code=1)
    assert "notice" in mailed("report", "--notice", "foo", code=1)
    assert "overcharge" in mailed("report", "--notice", "apology", "--step", "foo", code=1)
    mailed("report", "--notice", "apology", "--by", "foo", code=2)
    mailed("report", "--mailing", NAME, "--since", "2025-08-06", code=2)
    mailed(
        "report", "--notice", "apology", "--since", "2025-08-07", "--until", "2025-08-06", code=2
    )
    mailed("report", code=2)


async def test_nothing_is_only_said_where_it_is_so(mailed: Terminal) -> None:
    """Two letters wait since 8/6: none was sent on that day, and both were made on it."""
    day = ("--notice", "apology", "--since", "2025-08-06", "--until", "2025-08-06")
    said = mailed("report", *day)
    assert "この期間に送ったものはありません（記録にあるもの 2件" in said
    assert "ありません" not in mailed("report", *day, "--by", "created")
    assert "まだ1件も" in mailed("report", "--notice", "refund")


async def test_too_much_and_too_far_away(mailed: Terminal) -> None:
    long = "あ".encode() * 400_000  # what is read of it ends within a character
    said = mailed("inquiries", "add", "--mailing", NAME, "--text", "-", given=long, code=1)
    assert "text" in said
    assert "UTF-8" not in said
    mailed("report", "--notice", "apology", "--until", "9999-12-31", code=2)
    mailed("report", "--notice", "apology", "--since", "0001-01-01", code=2)
