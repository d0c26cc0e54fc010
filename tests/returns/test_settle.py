"""What only a person could tell takes effect as they say, once."""

import pytest

from notifier.model.errors import NotAllowed, NotFound
from notifier.model.reasons import Reason
from notifier.model.returns import Outcome, ReturnReason, Standing
from notifier.model.states import State
from notifier.model.tracking import BounceReason, Finding, Reading, ReturnKind
from notifier.returns.judgement import Judgement, put_aside, take_as_said
from notifier.store import tasks
from tests.delivery.rig import ACTOR
from tests.returns.desk import DAY, Desk, about, bounce, delivered, given


async def say(desk: Desk, return_id: int, **said: object) -> Outcome:
    async with desk.engine.begin() as conn:
        judgement = Judgement(**said)  # type: ignore[arg-type]
        return await take_as_said(conn, return_id, judgement, actor=ACTOR, now=desk.time)


async def open_tasks(desk: Desk) -> list[str]:
    async with desk.engine.begin() as conn:
        await tasks.close_moot(conn, actor=ACTOR, now=desk.time)
    found = await desk.rows("SELECT kind FROM tasks WHERE state = 'open' ORDER BY task_id")
    return [r["kind"] for r in found]


async def test_a_bounce_without_a_name(desk: Desk) -> None:
    [message] = await desk.sent()
    [one] = await desk.apply(bounce(None, await desk.address(message)))
    assert await open_tasks(desk) == ["unread_return"]
    done = await say(desk, one.return_id, message_id=message["message_id"])
    assert (done.standing, done.message_id) == (Standing.APPLIED, message["message_id"])
    assert await desk.state(message["message_id"]) == ("bounced", Reason.BOUNCED_FOR_GOOD)
    assert await desk.suppressed() == [(await desk.address(message), "hard_bounce", 1)]
    assert await open_tasks(desk) == []
    with pytest.raises(NotAllowed, match="applied"):
        await say(desk, one.return_id, message_id=message["message_id"])


async def test_what_was_ignored_may_be_right_after_all(desk: Desk) -> None:
    [message] = await desk.sent()
    desk.time += 60 * DAY
    [late] = await desk.apply(bounce(message["token"]))
    assert late.reason is ReturnReason.TOO_LATE
    done = await say(desk, late.return_id)  # it names its message already
    assert done.standing is Standing.APPLIED
    assert (await desk.state(message["message_id"]))[0] == State.BOUNCED


async def test_of_several_that_it_names_a_person_says_which(desk: Desk) -> None:
    first, second = await desk.sent(2)
    tokens = (first["token"], second["token"])
    [one] = await desk.apply(given(Reading(kind=ReturnKind.DELAYED, tokens=tokens)))
    assert one.reason is ReturnReason.CONTRADICTORY
    await say(
        desk, one.return_id, message_id=second["message_id"], kind=ReturnKind.BOUNCED,
        reason=BounceReason.MAILBOX_FULL,
    )  # fmt: skip
    assert await desk.state(second["message_id"]) == ("bounced", Reason.BOUNCED_FOR_NOW)
    assert await desk.entries(second["message_id"]) == [("bounced", "mailbox_full")]
    assert (await desk.state(first["message_id"]))[0] == State.SENT


async def test_what_cannot_be_said(desk: Desk) -> None:
    [message] = await desk.sent()
    number, waiting = message["message_id"], await desk.send()
    unread, report, applied = await desk.apply(
        about(message["token"], ReturnKind.UNKNOWN), bounce(None), delivered(message["token"])
    )
    with pytest.raises(NotAllowed, match="kind"):
        await say(desk, unread.return_id)
    with pytest.raises(NotAllowed, match="message"):
        await say(desk, report.return_id)
    with pytest.raises(NotAllowed, match="not left"):
        await say(desk, report.return_id, message_id=waiting)
    with pytest.raises(NotFound):
        await say(desk, report.return_id, message_id=10**9)
    with pytest.raises(NotFound):
        await say(desk, 10**9, message_id=number)
    with pytest.raises(NotAllowed, match="reason"):
        await say(desk, unread.return_id, kind=ReturnKind.REPLY, reason=BounceReason.SPAM)
    async with desk.engine.begin() as conn:
        with pytest.raises(NotAllowed):
            await put_aside(conn, applied.return_id, actor=ACTOR, now=desk.time)
    assert await desk.state(number) == ("delivered", Reason.REPORTED_DELIVERED)


async def test_what_is_put_aside_changes_nothing_and_closes_its_task(desk: Desk) -> None:
    [message] = await desk.sent()
    found = Finding(recipient=None, kind=ReturnKind.BOUNCED, hard=True)
    [one] = await desk.apply(given(Reading(kind=ReturnKind.BOUNCED, findings=(found,))))
    async with desk.engine.begin() as conn:
        done = await put_aside(conn, one.return_id, actor=ACTOR, now=desk.time)
    assert (done.standing, done.reason) == (Standing.IGNORED, ReturnReason.BY_PERSON)
    assert (await desk.state(message["message_id"]))[0] == State.SENT
    assert await open_tasks(desk) == []
