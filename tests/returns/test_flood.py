"""Hostile mails, all the way to the record; ``make fuzz`` is the long form."""

from notifier.model.returns import ReturnReason, Standing
from tests.returns.desk import Desk
from tests.returns.flood import flood


async def test_nothing_raises_and_nothing_changes_that_should_not(desk: Desk) -> None:
    counted = await flood(desk, 2_000, seed=11)
    assert counted.total() == 2_000
    assert counted[Standing.APPLIED]
    assert counted[ReturnReason.UNKNOWN_MAIL]
