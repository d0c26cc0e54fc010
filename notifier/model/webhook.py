"""Webhooks: whom the house calls to tell what became of messages."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
#: Called by Python global, and yet never called by us.
_NEVER: Final = tuple(
    map(
        ip_network,
        (
            # They lead to an IPv4 address that somebody else chooses: 6to4, Teredo, NAT64 of one's
            # own.
            *("2002::/16", "2001::/32", "64:ff9b:1::/48"),
            "fec0::/10",  # site-local, private before fd00::/8 was (RFC 3879)
            "192.0.0.0/24",  # protocol assignments (RFC 6890); metadata of a cloud at .192
            "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
            "168.63.129.16/32",  # a cloud's own agent, seen only from inside
        ),
    )
)


class WebhookState(StrEnum):
    """Whether a webhook is called. Labels: ``webhook.<value>``."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class CallState(StrEnum):
    """Where a call stands. Labels: ``call_state.<value>``."""

    WAITING = "waiting"  # for its first or next attempt
    DONE = "done"
    DEAD = "dead"  # given up; a person can have it replayed


class CallOutcome(StrEnum):
    """What came of an attempt. Labels: ``call.<value>``."""

    TAKEN = "taken"  # 2xx
    REFUSED = "refused"  # any other answer, redirects too: they are not followed
    GONE = "gone"  # 410: it wants no more
    TIMED_OUT = "timed_out"
    BROKEN = "broken"  # no connection, no TLS, or no answer that can be read
    ADDRESS_NOT_ALLOWED = "address_not_allowed"  # its name leads to where we do not call


class SecretKind(StrEnum):
    """How calls are signed: with a shared secret (``v1``), or with a key pair (``v1a``)."""

    HMAC = "hmac"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class WebhookLine:
    """A webhook in a list."""

    webhook_id: int
    url: str
    state: WebhookState
    waiting: int  # calls
    dead: int  # calls that were given up


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call of a webhook."""

    call_id: int
    items: int
    state: CallState
    attempts: int
    outcome: CallOutcome | None
    code: int | None
    made_at: datetime
    next_attempt_at: datetime


class Outside(BaseModel):
    """Whom the house may call over HTTP at addresses that others have named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow: tuple[IPv4Network | IPv6Network, ...] = ()  # networks that are not public, but ours
    plain_http: bool = False  # without TLS
    ca_file: Path | None = None  # PEM: whose certificates are trusted, instead of the system's
    timeout: Annotated[float, Field(gt=0, le=60)] = 15  # seconds for a whole exchange

    def permits(self, host: str) -> bool:
        """Whether an address, as text, may be connected to."""
        try:
            given = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        address = _inner(given)
        if any(address in network for network in self.allow):
            return True
        if any(address in network for network in _NEVER):
            return False
        return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it is such a one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address
