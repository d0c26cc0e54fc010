"""Inboxes: the ways by which what comes back reaches us."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from .http import Network, parsed
from .relay import Tls, is_loopback

_MEGABYTE: Final = 1_000_000
Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class Mailbox(BaseModel):
    """A mailbox that is read over IMAP."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)] = 993
    tls: Tls = Tls.IMPLICIT
    username: Annotated[str, Field(min_length=1, max_length=255)]
    password: SecretStr
    folder: Annotated[str, Field(min_length=1, max_length=255)] = "INBOX"
    done: Annotated[str, Field(max_length=255)] = ""  # where to move what was read; else flagged

    @property
    def label(self) -> str:
        """What the record calls it."""
        return f"imap:{self.username}@{self.host}/{self.folder}"

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.tls is Tls.NONE and not is_loopback(self.host):
            raise ValueError(
                f"tls 'none' is allowed only for a server on loopback, not {self.host}"
            )
        if self.done == self.folder:
            raise ValueError("done: is the folder that is read")
        return self


class Inbox(BaseModel):
    """Where what comes back may come in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] | None = None  # None: nobody listens
    protocol: Literal["smtp", "lmtp"] = "smtp"
    #: Taken beside our return paths and the Reply-To addresses of the brands, such as abuse@ and
    #: those of feedback loops.
    addresses: tuple[Address, ...] = ()
    most_megabytes: Annotated[int, Field(ge=1, le=100)] = 10  # of one mail
    connections: Annotated[int, Field(ge=1, le=1000)] = 25  # one full of mail costs 20 MB
    connections_per_address: Annotated[int, Field(ge=1, le=1000)] = 5
    #: Relays of ours that pass on what comes back: they may have all connections.
    relays: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    #: After so long who has named no return path of ours gives way to another.
    grace_seconds: Annotated[float, Field(ge=0, le=300)] = 10
    idle_seconds: Annotated[float, Field(gt=0, le=300)] = 60  # without a word
    #: Of what is no return path a day: anybody may write to such an address, and it is all kept.
    most_megabytes_a_day: Annotated[int, Field(ge=1, le=100_000)] = 500
    mailboxes: tuple[Mailbox, ...] = ()
    relay_logs: tuple[Path, ...] = ()  # of Postfix, on this host

    @property
    def most_bytes(self) -> int:
        """Of one mail."""
        return self.most_megabytes * _MEGABYTE

    def trusts(self, address: str) -> bool:
        """Whether an address is that of a relay of ours."""
        found = parsed(address)
        return found is not None and any(
            found in network for network in self.relays if network.version == found.version
        )

    @property
    def is_open(self) -> bool:
        """Whether anything is to be received at all."""
        return self.port is not None or bool(self.mailboxes or self.relay_logs)
