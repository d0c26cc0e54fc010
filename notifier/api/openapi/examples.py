"""Examples of answers."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from notifier.api.outcomes import shown
from notifier.model.lines import lines_of
from notifier.model.outcome import EventOutcome

_EVENTS: Final = Path(__file__).with_name("events.jsonl")
_AT: Final = "2025-07-16T00:00:01.250000+00:00"
_SOURCE: Final = "billing.example.jp"
_ID: Final = "cf-20250716-0001"

RECEIPTS: Final = {"events": [{"source": _SOURCE, "id": _ID, "event_id": 4711}]}
CHANGE: Final = {
    "position": "184467",
    "message": "M000000042",
    "events": [{"source": _SOURCE, "id": _ID}],
    "member_no": "M000101",
    "notice": "card_error",
    "step": "first",
    "channel": "email",
    "generation": 1,
    "before": "sending",
    "after": "sent",
    "reason": "accepted",
    "evidence": "relay_accepted",
    "at": "2025-07-16T00:00:03.120000+00:00",
}
DELIVERIES: Final = {"deliveries": [CHANGE], "next": "184467", "more": False}
DECISIONS: Final = {
    "decisions": [
        {
            "position": "d90210",
            "source": _SOURCE,
            "id": _ID,
            "type": "billing.card.charge_failed",
            "member_no": "M000101",
            "outcome": "hold",
            "reason": "amount_contradicts_fee",
            "notice": "card_error",
            "message": "M000000042",
            "at": _AT,
        }
    ],
    "next": "d90210",
    "more": False,
}
_OUTCOME: Final[dict[str, Any]] = {
    "source": _SOURCE,
    "id": _ID,
    "status": "decided",
    "event_id": 4711,
    "type": "billing.card.charge_failed",
    "member_no": "M000101",
    "occurred_at": "2025-07-16T00:00:00+00:00",
    "accepted_at": _AT,
    "decided_at": _AT,
    "decisions": [
        {
            "outcome": "hold",
            "reason": "amount_contradicts_fee",
            "notice": "card_error",
            "message": "M000000042",
            "details": {},
            "at": _AT,
        }
    ],
    "messages": [
        {
            "message": "M000000042",
            "notice": "card_error",
            "step": "first",
            "channel": "email",
            "generation": 1,
            "state": "held",
            "reason": "amount_contradicts_fee",
            "updated_at": _AT,
            "goes_at": None,
        }
    ],
    "tasks": [
        {
            "task": 3,
            "kind": "held_message",
            "state": "open",
            "created_at": _AT,
            "due_at": "2025-07-16T04:00:01.250000+00:00",
        }
    ],
}


@cache
def events() -> tuple[dict[str, Any], ...]:
    """One event of each type, as in the documentation."""
    return tuple(orjson.loads(line) for line in lines_of(_EVENTS.read_text()))


@cache
def outcome() -> Any:
    """What became of an event, as it is shown in English."""
    made = TypeAdapter(EventOutcome).validate_python(_OUTCOME)
    return orjson.loads(orjson.dumps(shown(made, "en")))
