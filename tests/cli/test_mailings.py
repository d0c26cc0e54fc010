"""``notifier letters apology`` in the hands of clerks: what they give it, and what it answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.model.member import MemberStatus
from notifier.store import members, schemes
from notifier.store.db import rows, run, scalar
from tests.cli import clerk
from tests.cli.terminal import EXAMPLES, Terminal
from tests.samples import NOW, SCHEME, member

FACTS = {
    "charged_on": "2025-07-15",
    "wrong_premium": "3030",
    "wrong_other_fees": "400",
    "wrong_total": "3430",
    "correct_premium": "3030",
    "correct_other_fees": "200",
    "correct_total": "3230",
    "difference": "200",
    "remedy": '"card_credit"',
}
HEAD = {"name": '"over-1"', "scheme": '"group-liability"', "step": '"overcharge"'}
COHORT = "会員番号\nM0001\n"


def written(head: Mapping[str, str] = HEAD, facts: Mapping[str, str] | None = None) -> str:
    """A file of facts."""
    lines = [f"{name} = {value}" for name, value in head.items()]
    if facts is None:
        return "\n".join(lines)
    return "\n".join([*lines, "[facts]", *(f"{name} = {value}" for name, value in facts.items())])


def with_facts(**facts: str) -> str:
    return written(facts={**FACTS, **facts})


def without(name: str) -> str:
    return written(facts={n: v for n, v in FACTS.items() if n != name})


#: What a clerk writes → the words by which the answer names what is wrong.
REFUSED: list[tuple[str, str | bytes, str | bytes, list[str]]] = [
    ("sum and difference", with_facts(wrong_total="9999", difference="999"), COHORT,
     ["facts.wrong_total", "3,430", "9,999", "facts.difference", "6,769"]),
    ("a card number", with_facts(cause='"番号 4111-1111 １１１１ 1111 の件"'), COHORT,
     ["facts.cause"]),
    ("difference alone", with_facts(difference="7"), COHORT, ["facts.difference", "200", "7"]),
    ("an amount as text", with_facts(difference='"200"'), COHORT, ["facts.difference"]),
    ("an amount with a point", with_facts(difference="200.0"), COHORT, ["facts.difference"]),
    ("less than nothing", with_facts(wrong_premium="-3030"), COHORT, ["facts.wrong_premium"]),
    ("a day that is none", with_facts(charged_on='"2025-02-30"'), COHORT, ["facts.charged_on"]),
    ("no day of the calendar", with_facts(charged_on="2025-02-30"), COHORT, ["facts"]),
    ("a moment", with_facts(charged_on="2025-07-15T10:00:00"), COHORT, ["facts.charged_on"]),
    ("tomorrow", with_facts(charged_on="2025-07-17"), COHORT, ["facts.charged_on"]),
    ("a fact too few", without("correct_total"), COHORT, ["facts.correct_total"]),
    ("a fact too many", with_facts(wrong_totel="1"), COHORT, ["facts.wrong_totel"]),
    ("no facts", written(), COHORT, ["facts"]),
    ("empty facts", written(facts={}), COHORT, ["facts"]),
    ("facts that are no table", written({**HEAD, "facts": "5"}), COHORT, ["facts"]),
    ("a step that is none", written({**HEAD, "step": '"foo"'}, FACTS), COHORT,
     ["step", "overcharge"]),
    ("a blank name", written({**HEAD, "name": '" "'}, FACTS), COHORT, ["name"]),
    ("a number for a name", written({**HEAD, "name": "5"}, FACTS), COHORT, ["name"]),
    ("no such scheme", written({**HEAD, "scheme": '"none"'}, FACTS), COHORT, ["scheme"]),
    ("a key too many", written({**HEAD, "chanel": '"email"'}, FACTS), COHORT, ["chanel"]),
    ("NUL in a fact", with_facts(cause='"a\\u0000b"'), COHORT, ["facts.cause"]),
    ("what no font has", with_facts(cause='"🦀が原因です。"'), COHORT, ["facts.cause", "U+1F980"]),
    ("an empty file", "", COHORT, ["facts"]),
    ("no TOML", "name: over-1", COHORT, ["facts", "TOML"]),
    ("another encoding", "name = '謝罪'".encode("cp932"), COHORT, ["facts", "UTF-8"]),
    ("not in the scheme", with_facts(), "会員番号\nM0001\nOTHER\n", ["3", "member_no"]),
    ("somebody who has left", with_facts(), "会員番号\nGONE\n", ["2", "member_no", "--with-left"]),
    ("nobody of that number", with_facts(), "会員番号\nM0001\nM9999\n", ["3", "member_no"]),
    ("somebody twice", with_facts(), "会員番号\nM0001\nM0001\n", ["3行目", "2行目"]),
    ("a cohort without numbers", with_facts(), "氏名\n潮田 凪\n", ["会員番号"]),
    ("an empty cohort", with_facts(), "会員番号\n", ["file"]),
]  # fmt: skip


def _bytes(file: str | bytes) -> bytes:
    return file if isinstance(file, bytes) else file.encode()


@pytest.fixture
async def office(notifier: Terminal, engine: AsyncEngine) -> Terminal:
    """A terminal at a house with members, one of another scheme, one who has left."""
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        people = [member("M0001"), member("OTHER", enrolments=()), member("GONE")]
        await members.save(conn, [(m, NOW) for m in people], now=NOW)
        await run(
            conn,
            "UPDATE members SET status = :left WHERE member_no = 'GONE'",
            {"left": MemberStatus.LEFT},
        )
    return notifier


async def test_what_is_refused(office: Terminal, engine: AsyncEngine, tmp_path: Path) -> None:
    facts, cohort = tmp_path / "facts.toml", tmp_path / "cohort.csv"
    for place, (name, told, people, named) in enumerate(REFUSED):
        facts.write_bytes(_bytes(told))
        cohort.write_bytes(_bytes(people))
        words = ("letters", "apology", "--facts", str(facts), "--cohort", str(cohort))
        if place % 10:
            said = await clerk.apology(engine, _bytes(told), _bytes(people))
        else:
            said = await office.within(*words, code=1)
        assert [word for word in named if word not in said] == [], f"{name}: {said}"
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM cases") == 0
        assert await scalar(conn, "SELECT count(*) FROM message_keys") == 0


REPORT = (
    (EXAMPLES / "incident-report.toml")
    .read_text()
    .replace("reported_before = 2025-07-31\n", "")
    .replace("2025-07-22", "2025-07-15")
)
#: What is changed in a report that could be sent → the words that name it.
UNSENT: list[tuple[str, str, str, list[str]]] = [
    ("no name of its own", 'name = "incident-2025-07-board"\n', "", ["name"]),
    ("a blank name", '"incident-2025-07-board"', '" "', ["name"]),
    ("no such scheme", 'scheme = "group-liability"', 'scheme = "none"', ["scheme"]),
    ("nobody to write to", REPORT[REPORT.index("[to]") : REPORT.index("[facts]")], "", ["to"]),
    ("a word for the reader", REPORT[REPORT.index("[to]") : REPORT.index("[facts]")],
     "to = 5\n", ["to"]),
    ("no organisation", "organisation = ", "# ", ["to.organisation"]),
    ("御中 in the name", '専門職協会"', '専門職協会 御中"', ["to.organisation", "敬称"]),
    ("様 in the name", '"空野 渉"', '"空野 渉 様"', ["to.name", "敬称"]),
    ("an office without a person", 'name = "空野 渉"', "", ["to.name"]),
    ("an honorific that is none", 'honorific = "様"', 'honorific = "さん"', ["to.honorific", "殿"]),
    ("half a postcode", '"100-0001"', '"100"', ["to.postcode"]),
    ("a number for a postcode", '"100-0001"', "1000001", ["to.postcode"]),
    ("a postcode of another place", '"100-0001"', '"900-0001"', ["to.", "郵便番号"]),
    ("a postcode that is none", '"100-0001"', '"100-9999"', ["to.", "郵便番号"]),
    ("a city too few", 'city = "千代田区"\n', "", ["to.city"]),
    ("a line break in a street", "千代田9丁目99番9号", "千代田\\n9丁目", ["to.street"]),
    ("a key too many", 'building = ', 'bilding = ', ["to.bilding"]),
    ("an address that is too long", "ひまわり会館 9階", "ひまわり" * 24, ["to."]),
    ("no cause", 'cause = "1つの', '#"', ["facts.cause"]),
    ("an empty list", "done = [", "done = []\ncountermeasures_ = [", ["facts.done"]),
    ("rows without a value", ', event = "誤った制度運営費400円でご請求"', "", ["event"]),
    ("found before it happened", "found_on = 2025-07-15", "found_on = 2025-07-01",
     ["facts.found_on", "facts.occurred_on"]),
    ("found tomorrow", "found_on = 2025-07-15", "found_on = 2025-07-17", ["facts.found_on"]),
    ("a fact that nobody knows", "[facts]", '[facts]\nweather = "晴れ"', ["facts.weather"]),
    ("an address of the web that is not ours", "二重に計算しておりました",
     "https://evil.example.org/ で計算しておりました", ["facts.cause", "domain"]),
    ("NUL", "二重に計算", "\\u0000", ["facts.cause"]),
    ("no TOML", "[facts]", "[facts", ["file", "TOML"]),
]  # fmt: skip


async def test_reports_that_are_refused(
    office: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    file = tmp_path / "report.toml"
    for place, (name, before, after, named) in enumerate(UNSENT):
        assert before in REPORT, name
        file.write_text(text := REPORT.replace(before, after, 1))
        if place % 10:
            said = await clerk.report(engine, _bytes(text))
        else:
            said = await office.within("letters", "report", str(file), code=1)
        assert [word for word in named if word not in said] == [], f"{name}: {said}"
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM cases") == 0
        assert await scalar(conn, "SELECT count(*) FROM message_keys") == 0
    file.write_text(REPORT)
    assert "M000000001を作りました" in await office.within("letters", "report", str(file))
    assert "作成済み" in await office.within("letters", "report", str(file))
    assert "incident-2025-07-board" in await office.within("messages", "list")
    assert "incident-2025-07-board" in await office.within("messages", "show", "1")
    assert "incident-2025-07-board" in await office.within("cases", "list", "--state", "all")
    [case] = await rows_of(engine, "SELECT case_id FROM cases")
    assert "M000000001" in await office.within("cases", "show", str(case["case_id"]))
    await _resent(office, engine)


async def rows_of(engine: AsyncEngine, sql: str) -> Sequence[RowMapping]:
    async with engine.connect() as conn:
        return await rows(conn, sql)


async def _resent(office: Terminal, engine: AsyncEngine) -> None:
    """Message 1 is sent again by the verb, once for each reason."""
    words = ("messages", "resend", "1", "--reason", "住所を確かめた")
    for more, code, named in (
        ((), 1, "M000000001がまだ送付の途中"),
        (("--channel", "email"), 1, "channel"),
        (("--channel", "fax"), 2, "fax"),
    ):
        assert named in await office.within(*words, *more, code=code)
    assert "reason" in await office.within("messages", "resend", "1", code=2)
    assert "reason" in await office.within("messages", "resend", "1", "--reason", " ", code=1)
    assert "M000000077" in await office.within(
        "messages", "resend", "77", "--reason", "届かない", code=1
    )
    async with engine.begin() as conn:
        await run(conn, "UPDATE messages SET state = 'returned'")
    assert "M000000002を作りました" in await office.within(*words)
    assert "M000000002を作成済み" in await office.within(*words)
    assert "M000000001の再送（user:" in (said := await office.within("messages", "show", "2"))
    assert "住所を確かめた" in said


async def test_what_is_made_is_held_unless_the_record_bears_it_out(
    office: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    """From Excel: a byte order mark before the TOML. Nothing is on record about the charge."""
    facts, cohort = tmp_path / "facts.toml", tmp_path / "cohort.csv"
    facts.write_bytes(b"\xef\xbb\xbf" + with_facts().encode())
    cohort.write_text(COHORT)
    words = ("letters", "apology", "--facts", str(facts), "--cohort", str(cohort))
    assert "手紙 1通 / うち確認待ち 1通" in office(*words)
    assert "送付済みのため除外 1名" in office(*words)
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT state FROM messages") == "held"
        assert await scalar(conn, "SELECT jsonb_array_length(shown) FROM message_facts") == 7
        assert await scalar(conn, "SELECT count(*) FROM tasks WHERE kind = 'held_message'") == 1
