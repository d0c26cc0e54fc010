"""One rule per event type. Every module here that has ``EVENT_TYPES`` is found by itself."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from notifier.model.decision import Decision
from notifier.model.event import TYPES, Event
from notifier.model.situation import Situation
from notifier.rules.event_types import event_type_of, register

__all__ = ("TYPES", "decide")
_MODULES: Final = sorted(found.name for found in iter_modules(__path__))


def decide(event: Event, situation: Situation) -> Decision:
    """What follows from an event as the record stands. Pure; the same answer every time."""
    return event_type_of(event).rule(event, situation)


for _module in (import_module(f"{__name__}.{name}") for name in _MODULES):
    for _event_type in getattr(_module, "EVENT_TYPES", ()):
        register(_event_type)
