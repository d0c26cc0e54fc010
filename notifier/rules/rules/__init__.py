"""One rule per event type."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from notifier.model.decision import Decision
from notifier.model.event import Event
from notifier.model.situation import Situation

from . import cards, collections, corrections, members, refunds, renewals, submissions

Rule = Callable[[Event, Situation], Decision]

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "billing.card.charge_failed": cards.charge_failed,
        "billing.card.reregistered": cards.reregistered,
        "billing.charge.submitted": submissions.submitted,
        "billing.charge.settled": submissions.settled,
        "billing.charge.correction_failed": corrections.correction_failed,
        "billing.charge.direct_collection_decided": collections.decided,
        "billing.charge.overcharged": corrections.overcharged,
        "billing.charge.duplicated": corrections.duplicated,
        "billing.refund.decided": refunds.decided,
        "billing.refund.completed": refunds.completed,
        "member.updated": members.updated,
        "member.left": members.left,
        "scheme.renewal_due": renewals.due,
    }
)


def decide(event: Event, situation: Situation) -> Decision:
    """What follows from an event as the record stands. Pure; the same answer every time."""
    return RULES[event.type](event, situation)
