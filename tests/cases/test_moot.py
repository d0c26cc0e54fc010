"""What has become moot is not said any more; what was taken back has said nothing."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from notifier.model.actor import system
from notifier.model.states import State
from notifier.store import claims
from tests.samples import amounts, charge_failed, event, overcharged, settled, submitted

from .conftest import Office

MORE = {"amounts": amounts(premium=5000)}


async def _stand(office: Office, state: State) -> None:
    """All messages stand in a state, as delivery would have left them."""
    async with office.engine.begin() as conn:
        sql = "UPDATE messages SET state = :state, updated_at = :now"
        await conn.execute(text(sql), {"state": state, "now": office.hand.time})


async def _totals(office: Office, state: str) -> list[int]:
    found = await office.rows(
        """SELECT (f.facts->>'total')::int AS total FROM messages m
           JOIN message_facts f USING (message_id) WHERE m.state = :state ORDER BY 1""",
        state=state,
    )
    return [r["total"] for r in found]


@pytest.mark.parametrize("corrected", [False, True])
async def test_uncertain_request_is_not_sent_again_after_the_end(
    office: Office, corrected: bool
) -> None:
    await office.accept(charge_failed(id="a"))
    await _stand(office, State.UNCERTAIN)
    end = (
        charge_failed(supersedes="a", data=MORE) if corrected else settled(settled_on="2025-07-16")
    )
    await office.accept(end)
    now, wait = office.hand.time + timedelta(hours=1), timedelta(minutes=15)
    async with office.engine.begin() as conn:
        assert await claims.resend(conn, wait=wait, actor=system("test"), now=now) == []
    assert ("uncertain_message", 1, "open") in await office.tasks()


async def test_refused_for_now_and_settled_meanwhile_is_cancelled(office: Office) -> None:
    await office.accept(charge_failed())
    await _stand(office, State.SENDING)
    await office.accept(settled(settled_on="2025-07-16"))
    await _stand(office, State.QUEUED)  # a relay's 451
    now = office.hand.time
    async with office.engine.begin() as conn:
        assert len(await claims.cancel_stopped(conn, actor=system("test"), now=now)) == 1
    assert [m[3:] for m in await office.messages()] == [("cancelled", "settled")]


async def test_correction_about_another_member_in_the_same_batch(office: Office) -> None:
    await office.accept(charge_failed("M0001", id="a"), charge_failed("M0002", supersedes="a"))
    assert [m[3] for m in await office.messages()] == ["cancelled", "queued"]


async def test_reminder_that_waits_is_corrected_too(office: Office) -> None:
    await office.accept(charge_failed(id="a"))
    await office.sweep_at(2025, 8, 7, 1)
    await office.accept(charge_failed(supersedes="a", data=MORE))
    assert await _totals(office, "queued") == [5200]


async def test_the_same_failure_told_with_other_amounts_changes_nothing(office: Office) -> None:
    await office.accept(charge_failed())
    await office.accept(charge_failed(data=MORE))
    await office.sweep_at(2025, 8, 7, 1)
    assert await _totals(office, "queued") == [3230, 3230]


async def test_wrong_difference_is_nothing_to_refund(office: Office) -> None:
    await office.accept(submitted(fee=400), overcharged(data={"difference": 2000}))
    decided: dict[str, Any] = {
        "member_no": "M0001",
        "refund_id": "R1",
        "charge_id": "C-M0001",
        "scheme": "group-liability",
        "amount": 2000,
        "reason": "overcharge",
        "method": "card_credit",
    }
    paid = {"member_no": "M0001", "refund_id": "R1", "amount": 2000, "completed_on": "2025-07-16"}
    await office.accept(event("billing.refund.decided", decided))
    await office.accept(event("billing.refund.completed", paid))
    assert [m[3:] for m in await office.messages()] == [
        ("held", "difference_wrong"),
        ("held", "charge_not_on_record"),
        ("held", "charge_not_on_record"),
    ]


async def test_failure_that_was_taken_back_can_still_be_told(office: Office) -> None:
    await office.accept(charge_failed(id="a"))
    await office.accept(charge_failed(codes=("G85",), supersedes="a"))
    await office.accept(charge_failed())
    await office.accept(charge_failed())
    assert [m[3] for m in await office.messages()] == ["cancelled", "queued"]


async def test_superseded_event_is_not_decided_late(office: Office) -> None:
    await office.accept(charge_failed(id="a", data={"amounts": amounts(premium=9999)}))
    async with office.engine.begin() as conn:  # as if our rules had broken on it
        messages = ("message_causes", "message_facts", "messages", "message_keys")
        for table in ("decisions", *messages, "cases"):
            await conn.execute(text(f"DELETE FROM {table}"))
        await conn.execute(text("UPDATE events SET decided_at = NULL"))
    await office.accept(charge_failed(supersedes="a"))
    await office.later(minutes=1)
    assert await _totals(office, "queued") == [3230]
    assert ("skip", "superseded") in await office.outcomes()
