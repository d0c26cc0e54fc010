"""Mail providers whose webhooks tell what became of mails handed to them."""

import base64
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from .webhook import Outside

#: Postmark hands back what a mail has in such headers; by nothing else can it name a mail of ours.
METADATA: Final = "token"
METADATA_HEADER: Final = f"X-PM-Metadata-{METADATA}"
_FORM: Final = ConfigDict(extra="forbid", frozen=True)


class Provider(StrEnum):
    """Providers that we understand."""

    SES = "ses"
    SENDGRID = "sendgrid"
    POSTMARK = "postmark"


class Ses(BaseModel):
    """Amazon SES, which tells through topics of Amazon SNS."""

    model_config = _FORM

    topics: Annotated[tuple[str, ...], Field(min_length=1)]  # ARNs; anybody may have others
    #: Whose certificates and confirmations count; ``*`` is one label, a port may follow.
    hosts: tuple[str, ...] = ("sns.*.amazonaws.com", "sns.*.amazonaws.com.cn")
    fetch: Outside = Outside()  # how they are reached


class SendGrid(BaseModel):
    """SendGrid, which signs its events."""

    model_config = _FORM

    #: Verification keys as its settings show them; several while one takes the other's place.
    keys: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("keys")
    @classmethod
    def _elliptic(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        for key in keys:
            try:
                found = load_der_public_key(base64.b64decode(key, validate=True))
            except (ValueError, UnsupportedAlgorithm):
                found = None
            if not isinstance(found, EllipticCurvePublicKey):
                raise ValueError("a key is base64, as SendGrid shows it")
        return keys


class Postmark(BaseModel):
    """Postmark, which signs nothing: it is told a name and a password of ours (Basic)."""

    model_config = _FORM

    username: Annotated[str, Field(min_length=1, max_length=100)] = "postmark"
    password: Annotated[SecretStr, Field(min_length=16)]


class Providers(BaseModel):
    """Whose webhooks are listened to; those that are not given are answered with 404."""

    model_config = _FORM

    ses: Ses | None = None
    sendgrid: SendGrid | None = None
    postmark: Postmark | None = None
