"""Signing keys (DKIM): which key speaks for which domain."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
Domain = Annotated[
    str,
    StringConstraints(to_lower=True, max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})+$"),
]
Selector = Annotated[
    str, StringConstraints(to_lower=True, max_length=120, pattern=rf"^{_LABEL}(\.{_LABEL})*$")
]


class KeyType(StrEnum):
    """Kinds of key, as the ``k=`` of a DNS record names them (RFC 6376, RFC 8463)."""

    RSA = "rsa"
    ED25519 = "ed25519"


class DkimKey(BaseModel):
    """A key for mail from a domain and all below it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: Domain  # other scripts as A-labels (xn--…)
    selector: Selector  # the record is at <selector>._domainkey.<domain>
    file: Path  # PEM, unencrypted; only the engine's account needs to read it
