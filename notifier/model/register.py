"""The member register as plain values: a member field by field, and how two states differ.

All values are text, so that a change is shown, kept and taken back in the form in which it was
read: policies are joined by ``;``, a switch is ``yes``, ``no`` or empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from .member import Enrolment, Member, MemberStatus, PostalAddress
from .states import Channel

ADDRESS: Final = ("postcode", "prefecture", "city", "street", "building")
#: What an address cannot do without.
ADDRESS_NEEDED: Final = ADDRESS[:4]
FIELDS: Final = (
    "name",
    "kana",
    "organisation",
    "honorific",
    "email",
    *ADDRESS,
    "phone",
    "channel",
    "language",
)
#: The field of an enrolment is this and the key of its scheme.
ENROLMENT: Final = "enrolment:"
STATUS: Final = "status"
#: The one change that stands for a member who was not on record before.
CREATED: Final = "created"
#: A member of whom nothing is known yet.
NOTHING: Final[Mapping[str, str]] = MappingProxyType(
    {**dict.fromkeys(FIELDS, ""), "language": "ja"}
)
_SWITCH: Final[Mapping[bool | None, str]] = MappingProxyType({True: "yes", False: "no", None: ""})
_SWITCHED: Final = {text: switch for switch, text in _SWITCH.items()}


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a member that has become another."""

    field: str
    before: str
    after: str


def values_of(member: Member) -> dict[str, str]:
    """A member as plain values; each enrolment is a field of its own."""
    address = member.address or PostalAddress(postcode="", prefecture="", city="", street="")
    return {
        "name": member.name,
        "kana": member.kana,
        "organisation": _SWITCH[member.organisation],
        "honorific": member.honorific,
        "email": member.email,
        **{name: getattr(address, name) for name in ADDRESS},
        "phone": member.phone,
        "channel": str(member.channel or ""),
        "language": member.language,
        **{ENROLMENT + e.scheme: ";".join(e.policies) for e in member.enrolments},
    }


def with_values(member: Member, values: Mapping[str, str]) -> Member:
    """A member with these values in place of its own; number, id and status stay."""
    return replace(
        member,
        name=values["name"],
        kana=values["kana"],
        organisation=_SWITCHED[values["organisation"]],
        honorific=values["honorific"],
        email=values["email"],
        address=_address(values),
        phone=values["phone"],
        channel=Channel(values["channel"]) if values["channel"] else None,
        language=values["language"],
        enrolments=tuple(
            Enrolment(scheme=name.removeprefix(ENROLMENT), policies=tuple(value.split(";")))
            for name, value in sorted(values.items())
            if name.startswith(ENROLMENT) and value
        ),
    )


@dataclass(frozen=True, slots=True)
class ImportLine:
    """An import on record, or an undo of one."""

    import_id: int
    at: datetime
    actor: str
    new: int
    changed: int
    gone: int
    unchanged: int
    undone_by: int | None


def new_member(number: str, values: Mapping[str, str]) -> Member:
    """A member who is not on record yet."""
    return with_values(Member(member_id=0, member_no=number, name=""), values)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs, in the order of the fields, enrolments last. A missing field is empty."""
    enrolments = sorted(name for name in {*before, *after} if name.startswith(ENROLMENT))
    return tuple(
        Change(name, before.get(name, ""), after.get(name, ""))
        for name in (*FIELDS, *enrolments)
        if before.get(name, "") != after.get(name, "")
    )


def changed_by(known: Member | None, told: Member) -> tuple[Change, ...]:
    """What changes on record when a member is told anew; one change where nobody was known."""
    if known is None:
        return (Change(CREATED, "", ""),)
    return changes(values_of(known), values_of(told))


def has_left(member: Member) -> bool:
    """Whether the member has left; only a person at the register brings somebody back."""
    return member.status is MemberStatus.LEFT


def _address(values: Mapping[str, str]) -> PostalAddress | None:
    parts = {name: values[name] for name in ADDRESS}
    return PostalAddress(**parts) if any(parts.values()) else None
