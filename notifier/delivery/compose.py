"""From the record to a correspondence: what the writer is told of a message."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.honorific import addressed_as
from notifier.model.member import PostalAddress
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.scheme import Brand
from notifier.model.states import Channel
from notifier.rules.calendar import JAPAN
from notifier.store.compose import WantedMessage
from notifier.store.db import loads
from notifier.store.schemes import brand as read_brand


@dataclass(frozen=True, slots=True)
class StaffSender:
    """How the engine itself writes to staff."""

    name: str
    brand: Brand


class Unsendable(Exception):
    """A message cannot go out as the record stands; a person must look."""

    def __init__(self, reason: Reason, what: str = "") -> None:
        self.reason = reason
        self.what = what  # the field at fault, never its value
        super().__init__(f"{reason} {what}".strip())


@dataclass(frozen=True, slots=True)
class Lost:
    """A message that cannot be written."""

    message_id: int
    notice: str
    error: Unsendable


def correspondence(found: WantedMessage, sender: StaffSender, *, now: datetime) -> Correspondence:
    """One row of :func:`notifier.store.compose.load` as the writer needs it.

    Raises :class:`Unsendable` without a brand in force, or without the address of the channel.
    """
    to_staff = found.staff_id is not None
    return Correspondence(
        number=public_number(found.message_id),
        notice=found.notice,
        step=found.step,
        language=found.language,
        written_at=now.astimezone(JAPAN),
        recipient=_staff(found) if to_staff else _reader(found),
        scheme_name=sender.name if to_staff else found.scheme_name or "",
        group_no="" if to_staff else found.group_no or "",
        policies=tuple(found.policies or ()),
        brand=sender.brand if to_staff else _brand(found),
        facts=loads(found.facts),
        scheme="" if to_staff else found.scheme or "",
    )


def _brand(found: WantedMessage) -> Brand:
    if found.brand is None:
        raise Unsendable(Reason.NO_BRAND, "brand")
    return read_brand(found.brand)


def _staff(found: WantedMessage) -> Recipient:
    return Recipient(name=found.staff_name or "", email=found.staff_email or "")


def _reader(found: WantedMessage) -> Recipient:
    return _member(found) if found.recipient is None else recipient_of(found.recipient)


def recipient_of(contact: bytes) -> Recipient:
    """Somebody who is no member, from contact data as stored."""
    given = orjson.loads(contact)
    return Recipient(**{**given, "address": PostalAddress(**given["address"])})


def _member(found: WantedMessage) -> Recipient:
    contact: dict[str, Any] = orjson.loads(found.contact) if found.contact else {}
    address = contact.get("address")
    channel = Channel(found.channel)
    if not contact.get(needs := channel.rules.needs):
        raise Unsendable(Reason.NO_ADDRESS, needs)
    return Recipient(
        name=contact["name"],
        honorific=addressed_as(
            contact["name"], contact.get("honorific", ""), contact.get("organisation")
        ),
        member_no=found.member_no or "",
        email=contact.get("email") or "",
        address=PostalAddress(**address) if address and channel.rules.paper else None,
    )
