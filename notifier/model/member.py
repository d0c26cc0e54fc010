"""Members: whom we write to."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .honorific import addressed_as
from .states import Channel


class MemberStatus(StrEnum):
    """Whether the member still belongs."""

    ACTIVE = "active"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """A Japanese postal address, exactly as given (IVS and gaiji kept)."""

    postcode: str  # seven digits, no hyphen
    prefecture: str
    city: str  # 市区町村
    street: str  # 町域 and block numbers
    building: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """One or two lines as they stand on an envelope."""
        first = f"{self.prefecture}{self.city}{self.street}"
        return (first, self.building) if self.building else (first,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """One scheme with one or several policies; its operating fee is due once."""

    scheme: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person or an organisation with a member number."""

    member_id: int  # ours; 0 while not stored
    member_no: str
    name: str
    kana: str = ""
    email: str = ""
    address: PostalAddress | None = None
    phone: str = ""
    language: str = "ja"
    channel: Channel | None = None  # preference; None leaves it to the notice
    status: MemberStatus = MemberStatus.ACTIVE
    left_on: date | None = None
    enrolments: tuple[Enrolment, ...] = ()
    organisation: bool | None = None  # None: nobody has said
    honorific: str = ""  # one of Honorific; empty leaves it to what the member is

    @property
    def addressed_as(self) -> str:
        """What stands behind the name: 様, 御中, …"""
        return addressed_as(self.name, self.honorific, self.organisation)

    def policies_in(self, scheme: str) -> tuple[str, ...]:
        """The policy numbers held in a scheme."""
        return next((e.policies for e in self.enrolments if e.scheme == scheme), ())
