"""Postmark: it signs nothing, and is known by a name and a password that it was told."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from notifier.intake.envelope import MAX_BODY
from notifier.intake.strict_json import decode, refusal
from notifier.model.returns import Return

from .base import NotGenuine, Provider, made, mapping, moment, or_unknown, text
from .table import table

NAME: Final = "postmark"
#: Postmark hands back what a mail has in such headers; by nothing else can it name a mail of ours.
METADATA: Final = "token"
_BASIC: Final = 'Basic realm="webhooks"'
_MOMENTS: Final = ("BouncedAt", "DeliveredAt")
_WHO: Final = ("Email", "Recipient")


class Settings(BaseModel):
    """Postmark, which signs nothing: it is told a name and a password of ours (Basic)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Annotated[str, Field(min_length=1, max_length=100)] = NAME
    password: Annotated[SecretStr, Field(min_length=16)]


class Postmark(Provider[Settings]):
    """Listens to Postmark."""

    name, Settings = NAME, Settings
    token_header = f"X-PM-Metadata-{METADATA}"

    def vouches(self, headers: Mapping[str, str]) -> bool:
        """Name and password stand in the head."""
        if not is_genuine(headers, self.settings):
            raise NotGenuine("password", _BASIC)
        return True

    async def read(self, headers: Mapping[str, str], body: bytes) -> list[Return]:
        """One event."""
        self.vouches(headers)
        return or_unknown(NAME, "", body, lambda: returns(body, MAX_BODY))


PROVIDER = Postmark


def is_genuine(headers: Mapping[str, str], given: Settings) -> bool:
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
    words = table(NAME)
    name = _word(found)
    kind = words.kind_of(name)
    if kind is None:
        return []
    who = next((found[field] for field in _WHO if field in found), None)
    reply = found.get("Details") or found.get("Description")
    return [
        made(
            NAME,
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
