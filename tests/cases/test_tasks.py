"""Tasks and the messages that wait for them: none is forgotten, none stands under another's."""

from typing import Any

import pytest

from notifier.app.tasks import finish_task, show_task
from notifier.delivery.compose import Unsendable
from notifier.delivery.outcomes import held_task
from notifier.model.errors import NotAllowed
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import messages, tasks
from notifier.store.db import run
from notifier.store.messages import Move
from tests.samples import charge_failed

from .conftest import ACTOR, Office


async def _waiting(office: Office, task_id: int) -> list[int]:
    _, held = await show_task(office.engine, task_id)
    return [h.message_id for h in held]


async def _finish(office: Office, task_id: int) -> None:
    now = office.hand.time
    await finish_task(office.engine, task_id, "done", actor=ACTOR, now=now)


async def _ids(office: Office) -> dict[str, Any]:
    found = await office.rows("SELECT * FROM messages JOIN members USING (member_id)")
    return {r["member_no"]: r["message_id"] for r in found}


async def test_a_task_stays_open_while_messages_wait_for_it(office: Office) -> None:
    await office.accept(charge_failed(fee=400))
    with pytest.raises(NotAllowed, match="M0000"):
        await _finish(office, 1)
    assert await office.tasks() == [("held_message", 1, "open")]
    [message] = (await _ids(office)).values()
    async with office.engine.begin() as conn:
        move = Move(message_id=message, after=State.CANCELLED, reason=Reason.BY_PERSON)
        await messages.move(conn, [move], actor=ACTOR, now=office.hand.time)
    await _finish(office, 1)
    assert await office.tasks() == [("held_message", 1, "done")]


async def test_a_task_of_an_unknown_code_has_its_messages(office: Office) -> None:
    await office.accept(charge_failed("M0001", codes=("ZZ9",)))
    await office.accept(charge_failed("M0002", codes=("ZZ9",)))
    await office.accept(charge_failed("M0003", codes=("ZZ8",)))
    ids = await _ids(office)
    first, second = [t["task_id"] for t in await office.rows("SELECT * FROM tasks ORDER BY 1")]
    assert await _waiting(office, first) == [ids["M0001"], ids["M0002"]]
    assert await _waiting(office, second) == [ids["M0003"]]
    await office.later(minutes=1)
    assert [t[2] for t in await office.tasks()] == ["open", "open"]


async def test_a_task_of_rendering_has_its_own_messages_only(office: Office) -> None:
    await office.accept(charge_failed("M0001"), charge_failed("M0002"))
    ids = await _ids(office)
    now = office.hand.time
    for member_no, field in (("M0001", "name"), ("M0002", "building")):
        error = Unsendable(Reason.RENDER_FAILED, field)
        async with office.engine.begin() as conn:
            move = Move(message_id=ids[member_no], after=State.HELD, reason=error.reason)
            await messages.move(conn, [move], actor=ACTOR, now=now)
            draft = held_task(ids[member_no], "card_error", error)
            await tasks.raise_all(conn, [draft], actor=ACTOR, now=now)
    found = await office.rows("SELECT * FROM tasks ORDER BY task_id")
    shown = {r["key"].split("|")[-1]: await _waiting(office, r["task_id"]) for r in found}
    assert shown == {"name": [ids["M0001"]], "building": [ids["M0002"]]}
    async with office.engine.begin() as conn:
        move = Move(message_id=ids["M0001"], after=State.QUEUED, reason=Reason.RELEASED)
        await messages.move(conn, [move], actor=ACTOR, now=now)
    await office.later(minutes=1)
    assert {(k.split("|")[-1], s) for k, s in await _states(office)} == {
        ("name", "done"),
        ("building", "open"),
    }


async def _states(office: Office) -> list[tuple[str, str]]:
    found = await office.rows(
        "SELECT key, state FROM tasks WHERE kind = 'held_message' ORDER BY task_id"
    )
    return [(r["key"], r["state"]) for r in found]


async def test_a_held_message_that_no_task_is_about_is_asked_about(office: Office) -> None:
    await office.accept(charge_failed("M0001", fee=400), charge_failed("M0002", fee=400))
    async with office.engine.begin() as conn:  # as an earlier version let a person close it
        await run(conn, "UPDATE tasks SET state = 'done'")
    await office.later(minutes=1)
    assert [s for _, s in await _states(office)] == ["done", "open"]
    [task_id] = [
        t["task_id"] for t in await office.rows("SELECT * FROM tasks WHERE state = 'open'")
    ]
    assert await _waiting(office, task_id) == sorted((await _ids(office)).values())
    await office.later(minutes=1)  # asked once
    assert [s for _, s in await _states(office)] == ["done", "open"]
