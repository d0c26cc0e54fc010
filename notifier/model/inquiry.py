"""Inquiries of members, after ISO 10002: what they ask, complain about or thank for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class InquiryKind(StrEnum):
    """What it is. Labels: ``inquiry.<value>``."""

    INQUIRY = "inquiry"
    COMPLAINT = "complaint"
    THANKS = "thanks"


class InquiryTopic(StrEnum):
    """What it is about. Labels: ``topic.<value>``."""

    NOT_RECEIVED = "not_received"  # a notice did not arrive, or late
    AMOUNT = "amount"
    PROCEDURE = "procedure"  # what to do, and how
    WORDING = "wording"  # what a notice means
    CONTACT_DATA = "contact_data"  # a wrong or old address
    PERSONAL_DATA = "personal_data"
    OTHER = "other"


class InquiryChannel(StrEnum):
    """How it came. Labels: ``inquiry_channel.<value>``."""

    PHONE = "phone"
    MAIL = "mail"
    COUNTER = "counter"
    LETTER = "letter"
    WEB = "web"


class InquiryState(StrEnum):
    """Where it stands. Labels: ``inquiry_state.<value>``."""

    OPEN = "open"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an inquiry, or a figure, is about; at least one of them."""

    message_id: int | None = None
    member_no: str | None = None
    mailing: str | None = None  # name of a mailing to a cohort
    campaign_id: int | None = None
    batch_id: int | None = None  # of letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """An inquiry that is to be put on record."""

    kind: InquiryKind
    topic: InquiryTopic
    channel: InquiryChannel
    received_at: datetime
    received_by: str  # who took it; an office or a login
    about: About
    text: str = ""  # what was said; personal data


@dataclass(frozen=True, slots=True)
class KnownInquiry:
    """An inquiry on record with its words, which are personal data."""

    inquiry_id: int
    kind: InquiryKind
    topic: InquiryTopic
    channel: InquiryChannel
    state: InquiryState
    received_at: datetime
    received_by: str
    message_id: int | None
    member_no: str | None
    mailing: str | None
    campaign_id: int | None
    batch_id: int | None
    answered_at: datetime | None
    answered_by: str | None
    text: str | None
    answer: str | None
