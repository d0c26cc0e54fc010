"""An incident report goes the way of letters to an organisation that is on no register."""

from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import reports
from notifier.app.event_intake import Acceptor
from notifier.app.release import release
from notifier.app.reports import Reported
from notifier.app.resend import Request, resend
from notifier.demo.post_office import PostOffice
from notifier.intake.report_file import read_report
from notifier.model.errors import BadInput
from notifier.model.states import State
from notifier.store import messages, schemes
from tests.cases.conftest import ACTOR, Hand
from tests.cli.terminal import EXAMPLES
from tests.printing.letters import Letters, check, listed
from tests.samples import NOTICES, SCHEME, WRITER

FILE = (EXAMPLES / "incident-report.toml").read_text()


@pytest.fixture
async def letters(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Letters:
    made = Letters(engine, post_office, tmp_path / "var")
    made.time = made.time.replace(month=9)  # all that the report tells of has happened
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=made.time)
    return made


def acceptor(letters: Letters) -> Acceptor:
    return Acceptor(letters.engine, NOTICES, Hand(), Hand())


async def report(letters: Letters, file: str = FILE) -> Reported:
    given: Any = {"actor": ACTOR, "now": letters.time}
    letter = read_report(file.encode())
    return await reports.create(letters.engine, acceptor(letters), WRITER, letter, **given)


def to_the_board(file: str = FILE) -> str:
    """The same to the organisation, not to a person in it."""
    lines = [x for x in file.splitlines() if not x.startswith(("role", "honorific", 'name = "空'))]
    return "\n".join(lines).replace("incident-2025-07-board", "incident-2025-07-office")


async def test_from_the_file_to_the_press(letters: Letters) -> None:
    member = await letters.post(1)
    to_person = await report(letters)
    to_office = await report(letters, to_the_board())
    assert (to_person.made, to_office.made) == (True, True)
    batch = await letters.collect()
    ids = [*member, to_person.message_id, to_office.message_id]
    assert (batch.pieces, batch.held) == (3, 0)
    check(batch.folder, ids)
    rows = {row["番号"]: row for row in listed(batch.folder)}
    person = rows[f"M{to_person.message_id:09d}"]
    office = rows[f"M{to_office.message_id:09d}"]
    assert person["宛名"] == "一般社団法人 ひまわり専門職協会 会長 空野 渉 様"
    assert office["宛名"] == "一般社団法人 ひまわり専門職協会 御中"
    assert (office["〒"], office["住所2"]) == ("100-0001", "ひまわり会館 9階")
    pages = PdfReader(batch.folder / office["ファイル"]).pages
    words = pages[int(office["先頭ページ"]) - 1].extract_text().replace(" ", "")
    assert "ひまわり専門職協会御中" in words
    assert "制度運営費の誤ったご請求" in words
    logged = await letters.rows(
        "SELECT actor, after FROM log WHERE message_id = :id ORDER BY position",
        id=to_office.message_id,
    )
    assert [r["after"] for r in logged] == ["queued", "printed"]
    assert logged[0]["actor"] == str(ACTOR)


async def test_a_name_is_sent_once_and_says_one_thing(letters: Letters) -> None:
    made = await report(letters)
    assert await report(letters) == Reported(message_id=made.message_id, made=False)
    for old, new, named in (
        ("9階", "8階", "to"),
        ("1,860名", "1,861名", "facts.affected"),
    ):
        with pytest.raises(BadInput) as told:
            await report(letters, FILE.replace(old, new))
        [error] = told.value.errors
        assert (error.field, error.code, error.params["value"]) == ("name", "name_taken", named)
    assert len(await letters.rows("SELECT * FROM message_keys")) == 1


async def test_held_released_and_sent_again(letters: Letters) -> None:
    """Its address can be erased alone; what is held can be released; what came back goes again."""
    message_id = (await report(letters)).message_id
    async with letters.engine.begin() as conn:
        await letters_move(letters, message_id, State.HELD)
        held = await messages.held(conn)
        house = await acceptor(letters).house(conn)
        [released] = await release(conn, held, house, actor=ACTOR, now=letters.time)
        assert released.state is State.QUEUED
    await letters.collect()
    for state in (State.HANDED_OVER, State.POSTED, State.RETURNED):
        await letters_move(letters, message_id, state)
    request = Request(message_id=message_id, reason="転居先が分かったため")
    again = await resend(letters.engine, acceptor(letters), request, actor=ACTOR, now=letters.time)
    assert again.made
    batch = await letters.collect()
    [row] = listed(batch.folder)
    assert row["番号"] == f"M{again.message_id:09d}"
    found = await letters.rows("SELECT count(*) AS n FROM log WHERE reason LIKE '%空野%'")
    assert found[0]["n"] == 0


async def letters_move(letters: Letters, message_id: int, state: State) -> None:
    await letters.run(
        "UPDATE messages SET state = :state WHERE message_id = :id", state=state, id=message_id
    )
