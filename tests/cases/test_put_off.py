"""One item on which a sweep breaks is put off, with one task; the others go on."""

from datetime import UTC, datetime

import pytest

from notifier.store import staff
from notifier.store.undecided import WAITS
from tests.samples import NOW, charge_failed

from .conftest import Office

_DAY = datetime(2025, 8, 7, 1, tzinfo=UTC)  # a week before the deadline


async def _failed(office: Office, *, spoil: str) -> None:
    """Three failed charges, of which one is spoilt on record; the first notices have gone out."""
    await office.accept(
        *(charge_failed(f"M000{n}", data={"charge_id": f"CH-{n}"}) for n in (1, 2, 3))
    )
    await office.change("UPDATE messages SET state = 'sent'")
    await office.change(f"UPDATE cases SET {spoil} WHERE matter = 'CH-2'")


async def _reminded(office: Office) -> list[str]:
    found = await office.rows(
        """SELECT c.matter FROM messages m JOIN cases c USING (case_id)
           WHERE m.notice = 'reregistration_deadline' ORDER BY 1"""
    )
    return [r["matter"] for r in found]


async def _put_off(office: Office) -> list[tuple[str, str, int]]:
    found = await office.rows("SELECT * FROM put_off")
    return [(r["sweep"], r["problem"], r["attempts"]) for r in found]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("plan = 'of_before'", "KeyError"),  # it was renamed
        ("facts = facts - 'premium'", "KeyError"),
        ("deadline = NULL", "LookupError"),
    ],
)
async def test_a_case_that_breaks_stops_no_reminder(
    office: Office, spoil: str, problem: str
) -> None:
    await _failed(office, spoil=spoil)
    await office.sweep_at(2025, 8, 7, 1)
    assert await _reminded(office) == ["CH-1", "CH-3"]
    assert await _put_off(office) == [("case", problem, 1)]
    assert ("item_put_off", 1, "open") in await office.tasks()


async def test_what_is_put_off_is_tried_later_each_time_and_goes_once_it_is_mended(
    office: Office,
) -> None:
    await _failed(office, spoil="plan = 'of_before'")
    office.hand.time = _DAY
    await office.later()
    for n, wait in enumerate(WAITS[:3], 1):
        await office.later(seconds=wait.total_seconds() - 1)  # not yet
        assert await _put_off(office) == [("case", "KeyError", n)]
        await office.later(seconds=1)
    assert [count for kind, count, _ in await office.tasks() if kind == "item_put_off"] == [1]
    await office.change("UPDATE cases SET plan = 'charge'")
    await office.later(seconds=WAITS[3].total_seconds())
    assert await _reminded(office) == ["CH-1", "CH-2", "CH-3"]
    assert await _put_off(office) == []
    await office.later(minutes=1)
    assert ("item_put_off", 1, "done") in await office.tasks()


async def test_other_charges_of_the_same_member_are_told_without_it(office: Office) -> None:
    await office.accept(*(charge_failed("M0001", data={"charge_id": f"CH-{n}"}) for n in (1, 2, 3)))
    await office.change("UPDATE messages SET state = 'sent'")
    await office.change("UPDATE cases SET plan = 'of_before' WHERE matter = 'CH-1'")
    await office.sweep_at(2025, 8, 7, 1)
    [told] = await office.rows(
        """SELECT f.facts FROM messages m JOIN message_facts f USING (message_id)
           WHERE m.notice = 'reregistration_deadline'"""
    )
    assert "CH-2" in str(told["facts"])
    assert "CH-3" in str(told["facts"])
    assert "CH-1" not in str(told["facts"])


async def test_a_case_that_ends_meanwhile_is_forgotten(office: Office) -> None:
    await _failed(office, spoil="plan = 'of_before'")
    await office.sweep_at(2025, 8, 7, 1)
    await office.change("UPDATE cases SET state = 'closed', closed_at = :now", now=NOW)
    await office.later(seconds=10)
    assert await _put_off(office) == []
    assert ("item_put_off", 1, "done") in await office.tasks()


async def test_a_bounce_that_cannot_be_followed_up_stops_no_letter(office: Office) -> None:
    await office.accept(
        *(charge_failed(f"M000{n}", data={"charge_id": f"CH-{n}"}) for n in (1, 2, 3))
    )
    await office.change("UPDATE messages SET state = 'bounced'")
    await office.change(
        """UPDATE message_facts SET shown = '[{"role": "of_before", "name": "total", "yen": 1}]'
           WHERE message_id = (SELECT message_id FROM messages JOIN cases USING (case_id)
                               WHERE matter = 'CH-2')"""
    )
    await office.later(minutes=1)
    letters = await office.rows("SELECT * FROM messages WHERE channel = 'letter'")
    assert len(letters) == 2
    assert await _put_off(office) == [("fallback", "ValueError", 1)]
    assert ("item_put_off", 1, "open") in await office.tasks()


async def test_a_task_that_cannot_be_worded_stops_no_alert(office: Office) -> None:
    async with office.engine.begin() as conn:
        await staff.save(conn, "umino", "海野 渚", "umino@example.jp", now=NOW)
    await _failed(office, spoil="plan = 'of_before'")
    await office.sweep_at(2025, 8, 7, 1)
    await office.change(
        """INSERT INTO tasks (kind, key, state, owner, count, details, urgent, created_at,
               last_seen_at, opens_at, due_at, escalate_at)
           VALUES ('amount_alert', 'X', 'open', 'staff', 1, '[1]', true, :now, :now, :now, :now,
               '2026-01-01')""",
        now=NOW,
    )
    await office.later(seconds=10)
    told = await office.rows("SELECT * FROM messages WHERE notice = 'staff_alert'")
    assert len(told) == 1
    assert ("alert", "AttributeError", 1) in await _put_off(office)
