"""Schemes (制度): registered fees and the brand a member sees, both effective-dated."""

from dataclasses import dataclass
from datetime import date

from .money import LineKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A registered fee: due once per scheme and charge, however many policies."""

    kind: LineKind
    yen: int
    valid_from: date
    valid_to: date | None = None  # inclusive

    def holds_on(self, day: date) -> bool:
        """Whether this fee is the registered one on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where a member can ask."""

    name: str
    phone: str
    hours: str
    email: str = ""
    postcode: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What a member sees of a scheme's issuer from a day on."""

    valid_from: date
    association: str  # 協会, the issuer
    insurer: str
    sender_name: str  # display name of From
    sender_address: str
    reply_to: str
    colour: str  # ``#rrggbb``
    agency: Contact
    desk: Contact  # whom to ask about paying
    login_url: str
    guide_url: str
    allowed_domains: tuple[str, ...]  # the only domains that links may point to
    signatory: str  # who signs a letter
    footer: str = ""  # a standing note at the foot of mails and letters
    envelope: str = ""  # of its letters, if not the usual one

    def __hash__(self) -> int:
        """Of what tells brands apart, for they are looked up by once for every mail."""
        return hash((self.association, self.valid_from, self.sender_address, self.colour))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A group insurance scheme of an association."""

    scheme: str  # the key: lower-case letters, digits, hyphens
    name: str
    group_no: str  # 団体識別番号
    fees: tuple[Fee, ...] = ()
    brands: tuple[Brand, ...] = ()

    def fee_on(self, kind: LineKind, day: date) -> Fee | None:
        """The registered fee of a kind on a day."""
        return next((f for f in self.fees if f.kind is kind and f.holds_on(day)), None)

    def brand_on(self, day: date) -> Brand | None:
        """The brand in force on a day: the latest that has begun."""
        begun = [b for b in self.brands if b.valid_from <= day]
        return max(begun, key=lambda b: b.valid_from, default=None)
