"""How much of the HTTP interface one caller, and all of them together, may take."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

_MEGABYTE: Final = 1024 * 1024
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Http(BaseModel):
    """Limits of the HTTP interface, each of one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Reverse proxies whose X-Forwarded-For is believed; nobody else's is.
    proxies: tuple[Network, ...] = ()
    connections: Annotated[int, Field(ge=1, le=10_000)] = 500
    connections_per_address: Annotated[int, Field(ge=1, le=10_000)] = 50  # none for a proxy
    requests: Annotated[int, Field(ge=1, le=10_000)] = 200  # under way
    requests_per_address: Annotated[int, Field(ge=1, le=10_000)] = 40
    requests_per_key: Annotated[int, Field(ge=1, le=10_000)] = 20
    head_seconds: Annotated[float, Field(gt=0, le=300)] = 15  # from the first byte to the last
    idle_seconds: Annotated[float, Field(gt=0, le=300)] = 15  # between two requests
    body_gap_seconds: Annotated[float, Field(gt=0, le=300)] = 20  # between two pieces of a body
    body_seconds: Annotated[float, Field(gt=0, le=3600)] = 120  # of a whole body
    write_seconds: Annotated[float, Field(gt=0, le=300)] = 30  # in which an answer must go on
    #: What bodies may take of memory at once: of callers that are known, and of all others.
    body_megabytes: Annotated[int, Field(ge=4, le=4096)] = 64
    unknown_body_megabytes: Annotated[int, Field(ge=1, le=4096)] = 16

    @property
    def known_bytes(self) -> int:
        """Of the bodies of callers whose credentials have been looked at."""
        return self.body_megabytes * _MEGABYTE

    @property
    def unknown_bytes(self) -> int:
        """Of bodies that must be read before anybody can say whose they are."""
        return self.unknown_body_megabytes * _MEGABYTE

    def trusts(self, address: str) -> bool:
        """Whether an address is that of a proxy of ours."""
        found = parsed(address)
        return found is not None and any(
            found in network for network in self.proxies if network.version == found.version
        )


def parsed(address: str) -> Address | None:
    """An address as a value, one of IPv4 in IPv6 as what it is; None where it is none."""
    try:
        found = ip_address(address.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def client_of(peer: str, forwarded: str, given: Http) -> str:
    """Whose request it is: the peer, or whom a proxy of ours names in X-Forwarded-For.

    The list is read from its end, where our own proxies have written; what stands before the
    first address that is not ours was written by somebody else.
    """
    client = peer
    for one in reversed(forwarded.split(",") if forwarded else ()):
        if not given.trusts(client):
            break
        found = parsed(one)
        if found is None:
            break
        client = str(found)
    return client


def counted_as(address: str) -> str:
    """What is counted as one address: of IPv6 the network of a site, /64."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found or address)
