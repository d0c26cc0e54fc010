"""Types of events: each is declared once, by the module that holds its rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from notifier.model.decision import Decision, Hold
from notifier.model.event import TYPES, Event, declare
from notifier.model.situation import Situation

Rule = Callable[[Event, Situation], Decision]
#: What an event says of its charge, by column of ``store.charges``: ``amounts``, ``settled_on``,
#: ``refundable``, ``silent_on``. None: nothing.
ChargeFacts = Callable[[Event, Decision], Mapping[str, Any] | None]


def _nothing(_event: Event, _decision: Decision) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A type of events: the models of its data by version, its rule, and what it puts on record."""

    name: str
    models: Mapping[int, type[BaseModel]]
    rule: Rule
    charge_facts: ChargeFacts = _nothing


_known: dict[str, EventType] = {}


def register(event_type: EventType) -> None:
    """Take events of a type from now on. Raises ValueError for a name that is taken."""
    if event_type.name in TYPES:
        raise ValueError(f"{event_type.name} is declared twice")
    declare(event_type.name, event_type.models)
    _known[event_type.name] = event_type


def event_type_of(event: Event) -> EventType:
    """The type that an event is of."""
    return _known[event.type]


def contradicted(decision: Decision) -> bool:
    """An amount that is held for contradicting the record does not become the record."""
    return any(isinstance(o, Hold) and "contradictions" in o.details for o in decision.outcomes)
