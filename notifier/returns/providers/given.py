"""What a provider has sent, read as what it may be: nothing in it is trusted to have its type."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from notifier.intake.attributes import read_time
from notifier.model.provider import Provider
from notifier.model.returns import Return
from notifier.model.tracking import DeliveredLevel, Finding, Reading, ReturnKind
from notifier.returns.reading import addresses

_MOST_ID: Final = 200


def text(found: Mapping[str, Any], name: str) -> str:
    """A text; empty where there is none."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object; empty where there is none."""
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def mappings(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    value = found.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def moment(value: object) -> datetime | None:
    """A moment in RFC 3339; None for anything else."""
    return read_time(value) if isinstance(value, str) else None


def made(
    provider: Provider,
    event_id: str,
    raw: bytes,
    kind: ReturnKind,
    findings: Iterable[Finding],
    *,
    senders: Iterable[str] = (),
    tokens: Iterable[str] = (),
    message_ids: Iterable[str] = (),
    at: datetime | None,
) -> Return:
    """What came back, told by a provider.

    ``senders``: envelope senders, whose token names the message; ``tokens``: the token itself.
    """
    found = tuple(findings)
    unread = kind is ReturnKind.UNKNOWN
    reading = Reading(
        kind=kind,
        findings=found,
        tokens=(*tokens, *addresses.tokens(senders)),
        message_ids=addresses.message_ids(message_ids),
        reported_by=provider,
        reported_at=at,
        text=raw.decode(errors="replace")[:20_000] if unread else "",
    )
    return Return(
        source=provider,
        external_id=_name(event_id, raw),
        raw=raw,
        reading=reading,
        delivered_from=DeliveredLevel.NEXT_ACCEPTED,
        at=at,
    )


def _name(event_id: str, raw: bytes) -> str:
    """The event's own id, or one made of its bytes."""
    usable = event_id.isascii() and event_id.isprintable() and 0 < len(event_id) <= _MOST_ID
    return event_id if usable else hashlib.sha256(raw).hexdigest()
