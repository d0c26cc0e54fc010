"""What a correction takes back: messages, cases, payments, leavings."""

from typing import Any

import pytest

from tests.cases.conftest import Office
from tests.samples import charge_failed, event, settled


async def _cases(office: Office) -> list[tuple[str, str, bool]]:
    found = await office.rows("SELECT * FROM cases ORDER BY case_id")
    return [(r["matter"], r["state"], r["next_due_at"] is not None) for r in found]


async def _states(office: Office) -> list[tuple[str, str]]:
    return [(m[3], m[4]) for m in await office.messages()]


async def test_of_two_corrections_of_one_event_the_later_counts(office: Office) -> None:
    await office.accept(charge_failed(fee=400, id="a"))
    await office.accept(charge_failed(codes=("ZZ9",), id="b", supersedes="a"))
    await office.accept(charge_failed(id="c", supersedes="a"))
    assert await _states(office) == [
        ("cancelled", "superseded"),
        ("cancelled", "superseded"),
        ("queued", "created"),
    ]


@pytest.mark.parametrize("told", [{"number": "M0002"}, {"data": {"charge_id": "C-9"}}])
async def test_a_case_that_nobody_stands_behind_is_closed(
    office: Office, told: dict[str, Any]
) -> None:
    await office.accept(charge_failed(id="wrong"))
    await office.accept(charge_failed(id="right", supersedes="wrong", **told))
    [wrong, right] = await _cases(office)
    assert wrong == ("C-M0001", "closed", False)
    assert right[1:] == ("open", True)
    assert await _states(office) == [("cancelled", "superseded"), ("queued", "created")]


async def test_no_reminder_of_a_failure_that_was_none_of_the_members_business(
    office: Office,
) -> None:
    await office.accept(charge_failed(id="wrong"))
    await office.accept(charge_failed(codes=("G85",), id="right", supersedes="wrong"))
    assert await _cases(office) == [("C-M0001", "closed", False)]
    await office.sweep_at(2025, 8, 7, 1)
    assert await _states(office) == [("cancelled", "superseded")]


async def test_a_wrong_day_of_failure_can_be_corrected_backwards(office: Office) -> None:
    await office.accept(charge_failed(id="wrong", data={"charged_on": "2025-07-20"}))
    await office.accept(charge_failed(id="right", supersedes="wrong"))
    assert await _states(office) == [("cancelled", "superseded"), ("queued", "created")]


async def test_a_correction_does_not_overtake_a_later_failure(office: Office) -> None:
    later: dict[str, Any] = {
        "charged_on": "2025-08-15",
        "deadline": "2025-09-12",
        "recharge_on": "2025-09-16",
    }
    await office.accept(charge_failed(id="july"))
    await office.accept(charge_failed(id="august", data=later, time="2025-08-15T10:00:00+09:00"))
    await office.accept(charge_failed(fee=200, id="july-2", supersedes="july"))
    assert ("skip", "superseded_in_time") in await office.outcomes()
    assert await _cases(office) == [("C-M0001", "open", True)]


async def test_a_payment_that_never_came_is_taken_back(office: Office) -> None:
    await office.accept(settled(id="paid", settled_on="2025-07-16"))
    await office.accept(charge_failed(id="unpaid", supersedes="paid"))
    assert await _states(office) == [("queued", "created")]


async def test_a_leaving_that_never_was_is_taken_back(office: Office) -> None:
    left = {"member_no": "M0001", "left_on": "2025-07-14"}
    await office.accept(event("member.left", left, id="left"))
    await office.accept(charge_failed(id="first"))
    assert await _states(office) == [("held", "member_left")]
    await office.accept(charge_failed(id="second", supersedes="left"))
    [member] = await office.rows("SELECT * FROM members WHERE member_no = 'M0001'")
    assert (member["status"], member["left_on"]) == ("active", None)
