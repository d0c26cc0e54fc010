"""Postmark: it signs nothing, and is known by a name and a password that it was told."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any, Final

from notifier.intake.strict_json import decode, refusal
from notifier.model.provider import METADATA, Postmark, Provider
from notifier.model.returns import Return

from .given import made, mapping, moment, text
from .table import table

_MOMENTS: Final = ("BouncedAt", "DeliveredAt")
_WHO: Final = ("Email", "Recipient")


def is_genuine(headers: Mapping[str, str], given: Postmark) -> bool:
    """Whether a request brings the name and the password (Basic authentication)."""
    scheme, _, told = headers.get("authorization", "").partition(" ")
    try:
        brought = base64.b64decode(told.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    wanted = f"{given.username}:{given.password.get_secret_value()}".encode()
    return scheme.lower() == "basic" and hmac.compare_digest(brought, wanted)


def returns(body: bytes, limit: int) -> list[Return]:
    """What an event tells: one return, or none where it says nothing about arrival.

    Raises :class:`~notifier.model.errors.BadInput`.
    """
    found = decode(body, limit=limit)
    if not isinstance(found, dict):
        raise refusal("wrong_type", expected="object")
    words = table(Provider.POSTMARK)
    name = _word(found)
    kind = words.kind_of(name)
    if kind is None:
        return []
    who = next((found[field] for field in _WHO if field in found), None)
    reply = found.get("Details") or found.get("Description")
    return [
        made(
            Provider.POSTMARK,
            _event_id(found),
            body,
            kind,
            [words.finding(kind, who, name, status=None, reply=reply)],
            tokens=_tokens(found),
            at=next((at for field in _MOMENTS if (at := moment(found.get(field)))), None),
        )
    ]


def _word(found: Mapping[str, Any]) -> str:
    """The Type of a bounce, else the RecordType."""
    record = text(found, "RecordType")
    return text(found, "Type") if record == "Bounce" else record


def _event_id(found: Mapping[str, Any]) -> str:
    """Bounces and complaints have an id; of deliveries there is one for each recipient."""
    record, number = text(found, "RecordType"), found.get("ID")
    if isinstance(number, int):
        return f"{record}:{number}"
    message = text(found, "MessageID")
    return f"{record}:{message}:{text(found, 'Recipient')}" if message else ""


def _tokens(found: Mapping[str, Any]) -> tuple[str, ...]:
    token = text(mapping(found, "Metadata"), METADATA)
    return (token,) if len(token) == 26 and token.isascii() and token.isalnum() else ()
