"""An event that our own rules break on stays on record and takes nobody down with it."""

from notifier.intake.accept import Acceptor
from tests.samples import NOTICES, charge_failed, submitted

from .conftest import ACTOR, Office


async def test_event_that_breaks_the_rules_is_kept_and_tried_again(office: Office) -> None:
    without = {name: n for name, n in NOTICES.items() if name != "card_error"}
    broken = Acceptor(office.engine, without, office.hand, office.hand)
    await broken.accept([submitted("M0001"), charge_failed("M0002"), submitted("M0003")], ACTOR)
    assert await office.outcomes() == [("skip", "checked_only")] * 2
    assert await office.tasks() == [("undecided_event", 1, "open")]
    await office.later(minutes=1)
    assert await office.messages() == [("card_error", "first", "email", "queued", "created")]
