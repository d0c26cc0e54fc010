"""Relays: the SMTP servers that we hand mail to."""

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from .notice import Lane

LaneName = Literal["urgent", "standard", "bulk"]
ALL_LANES: Final[tuple[LaneName, ...]] = ("urgent", "standard", "bulk")


class Tls(StrEnum):
    """How a connection to a relay is protected."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"  # only on this machine


class RelayKind(StrEnum):
    """What a relay's answer says."""

    SMARTHOST = "smarthost"  # nothing about the destination
    DIRECT = "direct"  # its answers are the destination's


class Dsn(StrEnum):
    """Of what a relay that offers DSN (RFC 3461) is asked to report."""

    OFF = "off"  # nothing is asked; relays then report failures as they see fit
    FAILURE = "failure"  # failures and delays
    SUCCESS = "success"  # deliveries too: a report for every mail


class Relay(BaseModel):
    """One relay endpoint and how to speak to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    name: Annotated[str, Field(max_length=64)] = ""  # in the record; "host:port" when empty
    tls: Tls = Tls.STARTTLS
    verify: bool = True  # check the certificate and its host name
    ca_file: Path | None = None  # PEM: whose certificates are trusted, instead of the system's
    username: str | None = None
    password: SecretStr | None = None
    kind: RelayKind = RelayKind.SMARTHOST
    connections: Annotated[int, Field(ge=1, le=100)] = 12  # kept open at most
    dsn: Dsn = Dsn.FAILURE
    most_messages: Annotated[int, Field(ge=1, le=100_000)] = 100  # over one connection
    #: Messages begun in a minute, by all workers together; None: as fast as it goes.
    rate_per_minute: Annotated[float, Field(gt=0, lt=1_000_000)] | None = None
    lanes: Annotated[tuple[LaneName, ...], Field(min_length=1)] = ALL_LANES  # that it serves

    @cached_property
    def label(self) -> str:
        """What the record calls it."""
        return self.name or f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this very machine."""
        return is_loopback(self.host)

    def serves(self, lane: Lane) -> bool:
        """Whether mail of a lane may be handed to it."""
        return lane.name.lower() in self.lanes

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.tls is Tls.NONE and not self.is_local:
            raise ValueError(f"tls 'none' is allowed only for a relay on loopback, not {self.host}")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password are given together or not at all")
        return self


def relays_for(lane: Lane, relays: Iterable[Relay]) -> tuple[Relay, ...]:
    """The relays that serve a lane, in their order: the first that answers is used."""
    return tuple(relay for relay in relays if relay.serves(lane))


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's loopback. Names are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
