"""What breaks beside delivery takes no line and no message with it, and is heard of."""

import asyncio
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from notifier.delivery.process import deliver
from notifier.demo.post_office import Rule, Stage
from notifier.model.notice import Lane
from notifier.model.states import State
from tests.delivery.rig import Rig, eventually


class Breaking(Rig):
    """A rig whose clock cannot be read for a while."""

    breaks = False

    def now(self) -> datetime:
        if self.breaks:
            raise OSError(24, "Too many open files")
        return super().now()


async def test_an_outcome_that_cannot_be_noted_is_known_by_the_journal(rig: Rig) -> None:
    one = Breaking(rig.engine, rig.office, rig.var)
    one.relay = one.relay.model_copy(update={"connections": 1})
    one.office.rules.set(Rule(stage=Stage.END, delay=1.0, times=1))
    message_id = await one.send()
    with capture_logs() as logs:

        async def told() -> bool:
            return any(line["event"] == "transmission not noted" for line in logs)

        async with one.at_work(Lane.STANDARD):
            await one.until(message_id, State.SENDING)
            one.breaks = True
            await eventually(told)
            one.breaks = False
            second = await one.send()
            await one.until(second, State.SENT)  # over the only line that there is
        assert (await one.state(message_id))[0] == State.SENDING
    async with one.at_work(Lane.STANDARD):
        await one.until(message_id, State.SENT)
    assert len(one.office.messages) == 2


async def test_shifts_that_cannot_begin_are_heard_of(rig: Rig) -> None:
    rig.journals.parent.mkdir(parents=True, exist_ok=True)
    rig.journals.write_text("no folder")
    with capture_logs() as logs, pytest.raises(OSError, match="journal"):
        await deliver(rig.station(), asyncio.Event())
    assert [line["event"] for line in logs] == ["session broke off"] * 3
