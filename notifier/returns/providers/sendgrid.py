"""SendGrid: its signed event webhook."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ConfigDict, Field, field_validator

from notifier.intake.envelope import MAX_BODY
from notifier.intake.strict_json import decode, refusal
from notifier.model.returns import Return

from .base import NotGenuine, Provider, made, or_unknown, text
from .table import table

NAME: Final = "sendgrid"
SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"


class Settings(BaseModel):
    """SendGrid, which signs its events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Verification keys as its settings show them; several while one takes the other's place.
    keys: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("keys")
    @classmethod
    def _elliptic(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            try:
                found = load_der_public_key(base64.b64decode(key, validate=True))
            except (ValueError, UnsupportedAlgorithm):
                found = None
            if not isinstance(found, ec.EllipticCurvePublicKey):
                raise ValueError("a key is base64, as SendGrid shows it")
        return keys


class SendGrid(Provider[Settings]):
    """Listens to SendGrid."""

    name, Settings = NAME, Settings

    def vouches(self, headers: Mapping[str, str]) -> bool:
        """Of a signature only the body tells whether it is right."""
        if not is_signed(headers):
            raise NotGenuine("signature")
        return False

    async def read(self, headers: Mapping[str, str], body: bytes) -> list[Return]:
        """A batch of events."""
        if not is_genuine(headers, body, self.settings.keys):
            raise NotGenuine("signature")
        return or_unknown(NAME, "", body, lambda: returns(body, MAX_BODY))


PROVIDER = SendGrid


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether a request brings what may be a signature; of what, only its body tells."""
    return bool(headers.get(SIGNATURE) and headers.get(TIMESTAMP))


def is_genuine(headers: Mapping[str, str], body: bytes, keys: Sequence[str]) -> bool:
    """Whether one of the keys has signed a request: ECDSA over the timestamp and the body."""
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    content = headers.get(TIMESTAMP, "").encode() + body
    return any(_verifies(key, signature, content) for key in keys)


def _verifies(key: str, signature: bytes, content: bytes) -> bool:
    public = load_der_public_key(base64.b64decode(key))
    assert isinstance(public, ec.EllipticCurvePublicKey)  # the settings see to it
    try:
        public.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def returns(body: bytes, limit: int) -> list[Return]:
    """What a batch of events tells about arrival; each event is one return.

    Raises :class:`~notifier.model.errors.BadInput`.
    """
    found = decode(body, limit=limit)
    if not isinstance(found, list):
        raise refusal("wrong_type", expected="array")
    told = [_return(event if isinstance(event, dict) else {"": event}) for event in found]
    return [one for one in told if one is not None]


def _return(event: Mapping[str, Any]) -> Return | None:
    words = table(NAME)
    name = text(event, "event")
    kind = words.kind_of(name)
    if kind is None:
        return None
    finding = words.finding(
        kind,
        event.get("email"),
        _word(name, event),
        status=event.get("status"),
        reply=event.get("response") or event.get("reason"),
    )
    return made(
        NAME,
        text(event, "sg_event_id"),
        json.dumps(event, sort_keys=True, ensure_ascii=False).encode(),
        kind,
        [finding],
        message_ids=(text(event, "smtp-id"),),  # ours: SendGrid keeps the Message-ID it was given
        at=_moment(event.get("timestamp")),
    )


def _word(name: str, event: Mapping[str, Any]) -> str:
    if name == "dropped":
        return text(event, "reason").lower()
    return f"{text(event, 'type')}/{text(event, 'bounce_classification')}".lower()


def _moment(value: object) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 7_000_000_000:
        return None
    return datetime.fromtimestamp(value, UTC)
