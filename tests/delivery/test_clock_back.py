"""A clock that was set back holds up nothing that was to go out meanwhile."""

from datetime import timedelta

from sqlalchemy import RowMapping

from notifier.demo.post_office import Rule, Stage
from notifier.model.states import State
from tests.delivery.rig import Rig, eventually

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


async def test_what_was_due_is_due_after_the_clock_was_set_back(rig: Rig) -> None:
    due = await rig.send()
    tomorrow = rig.time + timedelta(hours=14)
    planned = await rig.send(next_attempt_at=tomorrow)  # when the office opens
    rig.office.rules.set(Rule(stage=Stage.RCPT, reply="451 4.3.0 come back later", times=1))
    async with rig.at_work():

        async def refusal() -> RowMapping | None:
            found = await rig.until(due, State.QUEUED)
            return found if found["attempts"] else None

        refused = await eventually(refusal)
    assert refused["next_attempt_at"] > rig.time
    waits = refused["next_attempt_at"] - rig.time
    fresh = await rig.send()
    rig.time -= _HOUR
    await rig.sweep()
    found = {r["message_id"]: r for r in await rig.rows("SELECT * FROM messages")}
    assert found[fresh]["next_attempt_at"] == rig.time
    assert found[due]["next_attempt_at"] == rig.time + waits
    assert found[planned]["next_attempt_at"] == tomorrow
    async with rig.at_work():
        await rig.until(fresh, State.SENT)
        rig.time += 2 * _MINUTE
        await rig.until(due, State.SENT)
    assert (await rig.state(planned))[0] == State.QUEUED


async def test_clocks_that_differ_a_little_are_left_alone(rig: Rig) -> None:
    message_id = await rig.send()
    at = rig.time
    rig.time -= _MINUTE
    await rig.sweep()
    [found] = await rig.rows("SELECT * FROM messages WHERE message_id = :id", id=message_id)
    assert found["next_attempt_at"] == at
