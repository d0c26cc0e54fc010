"""The clock: reminders before the deadline, and what stops them."""

from datetime import UTC, datetime

from tests.samples import charge_failed, event, overcharged, settled, submitted

from .conftest import Office


def _reminders(found: list[tuple[str, str, str, str, str]]) -> list[tuple[str, str]]:
    return [(m[1], m[3]) for m in found if m[0] == "reregistration_deadline"]


async def _sent(office: Office) -> None:
    """The first notice has gone out."""
    from notifier.model.reasons import Reason
    from notifier.model.states import State
    from notifier.store.messages import Move, move

    from .conftest import ACTOR

    for after in (State.CLAIMED, State.SENDING, State.SENT):
        found = await office.rows("SELECT message_id FROM messages WHERE notice = 'card_error'")
        moves = [
            Move(message_id=r["message_id"], after=after, reason=Reason.ACCEPTED) for r in found
        ]
        async with office.engine.begin() as conn:
            await move(conn, moves, actor=ACTOR, now=office.hand.time)


async def test_reminders_of_august(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    for day in range(1, 20):
        await office.sweep_at(2025, 8, day, 0, 30)
        await office.sweep_at(2025, 8, day, 5, 0)
    assert _reminders(await office.messages()) == [
        ("before_7", "queued"),
        ("before_3", "queued"),
        ("before_1", "queued"),
    ]
    made = await office.rows(
        "SELECT created_at::date AS day FROM messages WHERE notice <> 'card_error' ORDER BY 1"
    )
    assert [str(r["day"]) for r in made] == ["2025-08-07", "2025-08-08", "2025-08-13"]


async def test_after_days_without_a_tick_only_the_firmest_is_said(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.sweep_at(2025, 8, 13, 1)
    assert _reminders(await office.messages()) == [("before_1", "queued")]


async def test_nothing_is_said_after_the_deadline(office: Office) -> None:
    await office.accept(charge_failed())
    await office.sweep_at(2025, 8, 15, 1)
    assert _reminders(await office.messages()) == []


async def test_apology_on_the_day_of_a_reminder_does_not_swallow_it(office: Office) -> None:
    await office.accept(submitted(fee=400), charge_failed())
    await _sent(office)
    office.hand.time = datetime(2025, 8, 7, 1, tzinfo=UTC)
    await office.accept(overcharged(data={"exposure": "displayed"}))
    await office.sweep_at(2025, 8, 7, 2)
    assert _reminders(await office.messages()) == []  # one notice of a case a day
    await office.sweep_at(2025, 8, 8, 1)
    assert _reminders(await office.messages()) == [("before_3", "queued")]  # the firmer of two


async def test_reregistration_stops_reminders(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    again = {"member_no": "M0001", "scheme": "group-liability"}
    await office.accept(event("billing.card.reregistered", again, time="2025-08-01T00:00:00Z"))
    await office.sweep_at(2025, 8, 7, 1)
    assert _reminders(await office.messages()) == []
    [case] = await office.rows("SELECT state FROM cases")
    assert case["state"] == "open"  # until the outcome of the charge


async def test_reregistration_before_the_failure_stops_nothing(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    again = {"member_no": "M0001", "scheme": "group-liability"}
    await office.accept(event("billing.card.reregistered", again, time="2025-07-01T00:00:00Z"))
    await office.sweep_at(2025, 8, 7, 1)
    assert len(_reminders(await office.messages())) == 1


async def test_payment_cancels_the_reminder_that_waits(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.sweep_at(2025, 8, 7, 1)
    await office.accept(settled(settled_on="2025-08-07"))
    assert _reminders(await office.messages()) == [("before_7", "cancelled")]
    await office.sweep_at(2025, 8, 13, 1)
    assert len(_reminders(await office.messages())) == 1


async def test_a_held_notice_is_not_overtaken_by_its_reminder(office: Office) -> None:
    await office.accept(charge_failed(fee=400))
    await office.sweep_at(2025, 8, 7, 1)
    assert _reminders(await office.messages()) == []
