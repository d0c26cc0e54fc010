"""Members: changes of the register."""

from notifier.model.decision import CaseChange, CaseMove, Decision
from notifier.model.event import Event
from notifier.model.membership import MemberLeft, MemberUpdated
from notifier.model.reasons import Reason
from notifier.model.situation import Situation
from notifier.rules.event_types import EventType
from notifier.rules.rules.outcomes import settle, skip


def updated(event: Event, situation: Situation) -> Decision:  # noqa: ARG001 (every rule has both)
    """The register has changed; nothing is said about it."""
    newer = situation.register_newer
    return settle(skip(Reason.SUPERSEDED_IN_TIME if newer else Reason.RECORD_ONLY))


def left(event: Event, situation: Situation) -> Decision:
    """The member has left: requests to pay stop, what is owed to the person goes on."""
    data = event.data
    assert isinstance(data, MemberLeft)
    changes = [
        CaseChange(
            kind=case.kind,
            source=case.source,
            matter=case.matter,
            scheme=case.scheme,
            move=CaseMove.CLOSE,
            reason=Reason.MEMBER_LEFT,
            generation=case.generation,
            ended_on=data.left_on,
            cancels=situation.requests,
        )
        for case in situation.cases
        if case.is_open or case.reason in {Reason.DIRECT_COLLECTION, Reason.TIMED_OUT}
    ]
    return settle(skip(Reason.RECORD_ONLY), cases=changes)


EVENT_TYPES = (
    EventType(name="member.updated", models={1: MemberUpdated}, rule=updated),
    EventType(name="member.left", models={1: MemberLeft}, rule=left),
)
