"""Signatures of calls, after Standard Webhooks: ``v1`` (HMAC-SHA256) and ``v1a`` (Ed25519)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notifier.model.webhook import SecretKind

_PREFIX: Final = "whsec_"
_PUBLIC: Final = "whpk_"
_LENGTHS: Final = range(24, 65)  # bytes of a shared secret, as the standard has it
_RAW: Final = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class BadSecret(ValueError):
    """A text is not a shared secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What calls are signed with."""

    kind: SecretKind
    key: bytes = field(repr=False)  # the shared secret, or the seed of the private key

    @classmethod
    def new(cls, kind: SecretKind) -> "Secret":
        """A fresh one of 256 random bits."""
        return cls(kind, secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> "Secret":
        """A shared secret in the form ``whsec_<base64>``. Raises :class:`BadSecret`."""
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise BadSecret(f"a secret is {_PREFIX} and base64") from None
        if not text.startswith(_PREFIX) or len(key) not in _LENGTHS:
            raise BadSecret(f"a secret is {_PREFIX} and 24 to 64 bytes in base64")
        return cls(SecretKind.HMAC, key)

    @property
    def text(self) -> str:
        """What the receiver needs: the shared secret, or the public key (``whpk_``)."""
        if self.kind is SecretKind.HMAC:
            return _PREFIX + base64.b64encode(self.key).decode()
        public = self._private.public_key().public_bytes(*_RAW)
        return _PUBLIC + base64.b64encode(public).decode()

    def sign(self, content: bytes) -> str:
        """The signature of ``content`` with its version."""
        if self.kind is SecretKind.HMAC:
            signed, version = hmac.digest(self.key, content, hashlib.sha256), "v1"
        else:
            signed, version = self._private.sign(content), "v1a"
        return f"{version},{base64.b64encode(signed).decode()}"

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.key)


def headers(public_id: str, timestamp: int, body: bytes, keys: Sequence[Secret]) -> dict[str, str]:
    """The three headers of a call, signed with all keys: while they are changed both hold."""
    content = f"{public_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": public_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(key.sign(content) for key in keys),
    }
