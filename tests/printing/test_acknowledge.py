"""What the press says comes back."""

from datetime import date, timedelta

import pytest

from notifier.intake.press_file import read_acknowledgement
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.reasons import Reason
from notifier.printing.acknowledge import Acknowledged, AcknowledgementRow, acknowledge
from notifier.printing.collect import Batch
from notifier.printing.withdraw import withdraw
from tests.delivery.rig import ACTOR
from tests.printing.letters import Letters, listed

DAY = date(2025, 7, 17)


def line(
    serial: int, press_id: str, day: date | None = DAY, *, at: int = 2, number: str = ""
) -> AcknowledgementRow:
    return AcknowledgementRow(
        line=at, serial=serial, number=number, press_id=press_id, posted_on=day
    )


async def handed_over(letters: Letters, count: int) -> Batch:
    await letters.post(count)
    batch = await letters.collect()
    await letters.hand_over(batch)
    letters.time += timedelta(days=2)
    return batch


async def told(letters: Letters, batch: Batch, *lines: AcknowledgementRow) -> Acknowledged:
    return await acknowledge(letters.room(), batch.batch_id, lines, actor=ACTOR)


def codes(done: Acknowledged) -> list[tuple[int | None, str, str]]:
    return [(e.line, e.field, e.code) for e in done.wrong]


async def stands(letters: Letters) -> dict[int, tuple[str, str | None, date | None]]:
    found = await letters.rows(
        """SELECT serial, m.state, press_id, posted_on FROM pieces JOIN messages m
           USING (message_id) ORDER BY serial"""
    )
    return {r["serial"]: (r["state"], r["press_id"], r["posted_on"]) for r in found}


async def test_pieces_are_posted_and_a_second_time_changes_nothing(letters: Letters) -> None:
    batch = await handed_over(letters, 3)
    numbers = [row["番号"] for row in listed(batch.folder)]
    lines = [line(n + 1, f"A-{n + 1}", number=numbers[n]) for n in range(2)]
    done = await told(letters, batch, *lines)
    assert (done.posted, done.known, done.missing, done.wrong) == (2, 0, 1, ())
    assert await stands(letters) == {
        1: ("posted", "A-1", DAY),
        2: ("posted", "A-2", DAY),
        3: ("handed_over", None, None),
    }
    assert (await letters.batch_state(batch))[0] == "handed_over"
    log = await letters.rows("SELECT count(*) AS n FROM log")
    done = await told(letters, batch, *lines)
    assert (done.posted, done.known, done.missing) == (0, 2, 1)
    assert await letters.rows("SELECT count(*) AS n FROM log") == log
    done = await told(letters, batch, *lines, line(3, "A-3"))
    assert (done.posted, done.known, done.missing) == (1, 2, 0)
    assert (await letters.batch_state(batch))[0] == "posted"
    assert (await told(letters, batch, *lines)).known == 2


async def test_wrong_rows_are_named_and_the_others_count(letters: Letters) -> None:
    batch = await handed_over(letters, 9)
    await told(letters, batch, line(9, "A-9"))
    rows = [
        line(1, "A-1", at=2),
        line(99, "A-99", at=3),  # no such piece
        line(2, "A-2", at=4, number="M000000999"),  # another letter
        line(3, "A-3", at=5),
        line(3, "A-3", at=6),  # twice
        line(4, "A-4", at=7),
        line(5, "A-4", at=8),  # one number for two pieces
        line(6, "A-9", at=9),  # taken
        line(7, "A-7", date(2025, 7, 15), at=10),  # before the hand-over
        line(8, "A-8", date(2025, 7, 19), at=11),  # in the future
        line(9, "A-10", at=12),  # known under another number
    ]
    done = await told(letters, batch, *rows)
    assert done.posted == 1
    assert codes(done) == [
        (3, "通番", "ack_no_piece"),
        (4, "番号", "ack_other_letter"),
        (5, "通番", "ack_twice"),
        (6, "通番", "ack_twice"),
        (7, "管理番号", "ack_twice"),
        (8, "管理番号", "ack_twice"),
        (9, "管理番号", "ack_taken"),
        (10, "差出日", "ack_bad_day"),
        (11, "差出日", "ack_bad_day"),
        (12, "管理番号", "ack_known_otherwise"),
    ]
    posted = {s for s, (state, *_) in (await stands(letters)).items() if state == "posted"}
    assert posted == {1, 9}


async def test_withdrawn_pieces_come_back_or_are_posted_in_vain(letters: Letters) -> None:
    batch = await handed_over(letters, 4)
    by_serial = [int(row["番号"][1:]) for row in listed(batch.folder)]
    await withdraw(letters.room(), batch.batch_id, by_serial[:2], actor=ACTOR)
    lines = [line(1, "", None), line(2, "A-2"), line(3, "", None, at=4), line(4, "A-4")]
    done = await told(letters, batch, *lines)
    assert (done.posted, done.withdrawn) == (2, 1)
    assert codes(done) == [(4, "結果", "ack_not_withdrawn")]
    assert await letters.state(by_serial[0]) == ("failed", Reason.WITHDRAWN)
    assert await letters.state(by_serial[1]) == ("posted", Reason.POSTED)
    assert await letters.tasks() == [("posted_in_vain", 1)]
    again = await told(letters, batch, *lines[:2])
    assert (again.known, again.wrong) == (2, ())
    assert await letters.tasks() == [("posted_in_vain", 1)]
    with pytest.raises(NotAllowed, match="posted on 2025-07-17"):
        await withdraw(letters.room(), batch.batch_id, [by_serial[1]], actor=ACTOR)


async def test_only_what_the_press_has_is_acknowledged(letters: Letters) -> None:
    await letters.post()
    batch = await letters.collect()
    with pytest.raises(NotAllowed, match="printed"):
        await told(letters, batch, line(1, "A-1"))
    with pytest.raises(NotFound):
        await acknowledge(letters.room(), 99, [line(1, "A-1")], actor=ACTOR)


def test_a_file_is_read_by_its_headings() -> None:
    text = (
        "差出日,管理番号,備考,通番,番号,結果\r\n"
        "2025/7/17,A-1,x,00001,M000000007,差出\r\n"
        "20250717,'A-2,,2,,\r\n"
        ",,,3,,抜取\r\n"
    )
    expected = [
        AcknowledgementRow(line=2, serial=1, number="M000000007", press_id="A-1", posted_on=DAY),
        AcknowledgementRow(line=3, serial=2, number="", press_id="A-2", posted_on=DAY),
        AcknowledgementRow(line=4, serial=3, number="", press_id="", posted_on=None),
    ]
    for encoding in ("utf-8", "utf-8-sig", "cp932"):
        assert read_acknowledgement(text.encode(encoding)) == (expected, [])


def test_rows_that_cannot_be_read_are_named() -> None:
    text = (
        "通番,管理番号,差出日,番号,結果\n"
        "1,A-1,2025-07-17,,\n"
        "0,A-2,2025-07-17,,\n"
        ",,2025-02-30,M1,late\n"
        "4,=A(1),2025-07-17,,\n"
    )
    lines, wrong = read_acknowledgement(text.encode())
    assert [one.serial for one in lines] == [1]
    assert wrong == [
        FieldError("通番", "ack_unreadable", line=3),
        FieldError("通番", "missing", line=4),
        FieldError("番号", "ack_unreadable", line=4),
        FieldError("結果", "ack_unreadable", line=4),
        FieldError("管理番号", "missing", line=4),
        FieldError("差出日", "ack_unreadable", line=4),
        FieldError("管理番号", "ack_unreadable", line=5),
    ]


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ("", "file", "empty_file"),
        ("通番,差出日\n1,2025-07-17\n", "管理番号", "missing_column"),
        ("通番,通番,管理番号,差出日\n1,1,A,2025-07-17\n", "通番", "given_twice"),
        ("通番,管理番号,差出日\n", "file", "no_rows"),
    ],
)
def test_a_file_that_is_none_is_refused(data: str, field: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_acknowledgement(data.encode())
    assert [(e.field, e.code) for e in refused.value.errors] == [(field, code)]
