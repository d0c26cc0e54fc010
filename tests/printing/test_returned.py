"""What the post brings back: by file and by scanner, once, and all or none."""

from datetime import date, timedelta

import pytest

from notifier.intake.returned_file import read_returned, read_scanned
from notifier.model.errors import BadInput
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.returned import ReturnedReason
from notifier.model.states import State
from notifier.printing.acknowledge import AcknowledgementRow, acknowledge
from notifier.printing.returned import BroughtBack, Returned, bring_back
from notifier.store import pieces
from tests.delivery.rig import ACTOR
from tests.printing.letters import Letters

POSTED = date(2025, 7, 17)


async def posted(letters: Letters, count: int) -> list[int]:
    """Letters that the press has posted under A-1, A-2, …; in the order of these numbers."""
    await letters.post(count)
    batch = await letters.collect()
    await letters.hand_over(batch)
    letters.time += timedelta(days=5)
    given = [
        AcknowledgementRow(line=n, serial=n, number="", press_id=f"A-{n}", posted_on=POSTED)
        for n in range(1, count + 1)
    ]
    await acknowledge(letters.room(), batch.batch_id, given, actor=ACTOR)
    found = await letters.rows("SELECT message_id FROM pieces ORDER BY serial")
    return [r["message_id"] for r in found]


async def brought(letters: Letters, *lines: Returned) -> BroughtBack:
    async with letters.engine.begin() as conn:
        return await bring_back(conn, lines, actor=ACTOR, now=letters.time)


async def kept(letters: Letters, message_id: int) -> list[tuple[date, str | None]]:
    async with letters.engine.connect() as conn:
        found = await pieces.returned_of(conn, message_id)
    return [(r.returned_on, r.returned_reason) for r in found]


async def refused(letters: Letters, *lines: Returned) -> list[tuple[int | None, str, str]]:
    with pytest.raises(BadInput) as caught:
        await brought(letters, *lines)
    return [(e.line, e.field, e.code) for e in caught.value.errors]


async def test_by_file_and_by_scanner(letters: Letters) -> None:
    first, second, third = await posted(letters, 3)
    data = (
        "番号,管理番号,理由,返送日\n"
        f"{public_number(first)},,あて所に尋ねあたりません,\n"
        ",A-2,転居先 不明,2025/7/20\n"
    )
    given = read_returned(data.encode("cp932"))
    assert await brought(letters, *given) == BroughtBack(returned=2, known=0)
    assert await kept(letters, first) == [(date(2025, 7, 21), "no_such_address")]
    assert await kept(letters, second) == [(date(2025, 7, 20), "moved_unknown")]
    assert await letters.state(second) == (State.RETURNED, Reason.RETURNED)
    scanned = read_scanned([public_number(third), "", "A-2 "], ReturnedReason.REFUSED)
    assert await brought(letters, *scanned) == BroughtBack(returned=1, known=1)
    assert await kept(letters, third) == [(date(2025, 7, 21), "refused")]
    assert await kept(letters, second) == [(date(2025, 7, 20), "moved_unknown")]


async def test_one_bad_line_keeps_all_out(letters: Letters) -> None:
    [known] = await posted(letters, 1)
    [waiting] = await letters.post(1)
    why = ReturnedReason.OTHER
    number = public_number(known)
    lines = [
        Returned(line=2, reason=why, number=number),
        Returned(line=3, reason=why, number="M000009999"),
        Returned(line=4, reason=why, press_id="B-1"),
        Returned(line=5, reason=why, number=public_number(waiting)),
    ]
    assert await refused(letters, *lines) == [
        (3, "番号", "returned_no_piece"),
        (4, "管理番号", "returned_no_piece"),
        (5, "番号", "returned_no_piece"),
    ]
    early = Returned(line=2, reason=why, number=number, on=POSTED - timedelta(days=1))
    assert await refused(letters, early) == [(2, "返送日", "ack_bad_day")]
    twice = [Returned(line=n, reason=why, number=number) for n in (2, 3)]
    assert [code for _, _, code in await refused(letters, *twice)] == ["ack_twice"] * 2
    assert (await letters.state(known))[0] == State.POSTED


async def test_what_was_never_posted_does_not_come_back(letters: Letters) -> None:
    await letters.post(1)
    batch = await letters.collect()
    await letters.hand_over(batch)
    [found] = await letters.rows("SELECT message_id FROM pieces")
    number = public_number(found["message_id"])
    line = Returned(line=2, reason=ReturnedReason.OTHER, number=number)
    assert await refused(letters, line) == [(2, "番号", "returned_not_posted")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("理由\nその他\n", [(1, "番号", "missing_column")]),
        ("番号,返送日\nM000000001,\n", [(1, "理由", "missing_column")]),
        ("番号,番号,理由\n", [(1, "番号", "given_twice")]),
        ("番号,理由\n", [(None, "file", "no_rows")]),
        ("番号,理由\nM1,その他\n", [(2, "番号", "ack_unreadable")]),
        ("番号,理由\n,その他\n", [(2, "番号", "missing")]),
        ("番号,理由\nM000000001,なぜか\n", [(2, "理由", "ack_unreadable")]),
        ("番号,理由,返送日\nM000000001,その他,きのう\n", [(2, "返送日", "ack_unreadable")]),
        ("番号,理由,バッチ\nM000000001,その他,1\n", [(2, "バッチ", "ack_unreadable")]),
    ],
)
def test_files_that_are_wrong(text: str, wrong: list[tuple[int | None, str, str]]) -> None:
    with pytest.raises(BadInput) as caught:
        read_returned(text.encode())
    assert [(e.line, e.field, e.code) for e in caught.value.errors] == wrong


def test_scanned_junk_is_named_by_its_line() -> None:
    with pytest.raises(BadInput) as caught:
        read_scanned(["A-1", "=1+1"], ReturnedReason.OTHER)
    assert [e.line for e in caught.value.errors] == [2]
    with pytest.raises(BadInput):
        read_scanned(["", " "], ReturnedReason.OTHER)
