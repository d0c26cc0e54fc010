"""What comes back about a message: a report, a complaint, an answer. Frozen values, no I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReturnKind(StrEnum):
    """What a thing that came back is. Labels: ``return.<value>`` in the catalogues."""

    DELIVERED = "delivered"
    DELAYED = "delayed"  # not yet; the relay goes on trying
    BOUNCED = "bounced"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"  # nobody has read it: out of office, "we received your mail"
    REPLY = "reply"  # a person wrote
    UNKNOWN = "unknown"  # kept for a person, never dropped


class BounceReason(StrEnum):
    """Why a mail was not delivered. Labels: ``bounce.<value>`` in the catalogues."""

    USER_UNKNOWN = "user_unknown"
    SUSPENDED = "suspended"  # the mailbox exists but is closed
    MOVED = "moved"  # the mailbox has another address now
    HOST_UNKNOWN = "host_unknown"  # no such domain, or it takes no mail
    NOT_ACCEPTING = "not_accepting"  # the host takes no mail (null MX, outgoing only)
    MAILBOX_FULL = "mailbox_full"
    SYSTEM_FULL = "system_full"
    TOO_BIG = "too_big"
    FILTERED = "filtered"  # by the recipient's own settings, or without saying why after DATA
    REJECTED = "rejected"  # the sender, or the address it came from, is not taken
    SPAM = "spam"
    VIRUS = "virus"
    CONTENT = "content"
    POLICY = "policy"
    AUTHENTICATION = "authentication"  # SPF, DKIM, DMARC
    BLOCKED = "blocked"  # the sending host is listed, or has no name of its own
    RATE = "rate"  # too much, or too fast
    RELAYING = "relaying"  # refused to relay
    NETWORK = "network"
    EXPIRED = "expired"  # tried until time was up
    LOOP = "loop"
    MAILER_ERROR = "mailer_error"
    SYSTEM_ERROR = "system_error"
    SYNTAX = "syntax"  # a command or an address was not understood
    SECURITY = "security"  # TLS or encryption was missing or refused
    ON_HOLD = "on_hold"  # the report does not say enough
    UNDEFINED = "undefined"


class DeliveredLevel(StrEnum):
    """How much a report of delivery proves (RFC 3464 2.3.3). Ordered from little to much."""

    RELAY_ACCEPTED = "relay_accepted"
    NEXT_ACCEPTED = "next_accepted"  # "relayed": the next server has it, and reports no further
    MAILBOX = "mailbox"  # "delivered"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report says about one recipient."""

    recipient: str | None  # the address that we wrote to, as far as the report tells; as written
    kind: ReturnKind
    reason: BounceReason | None = None  # of bounced and delayed
    hard: bool | None = None  # whether it is for good; of bounced and delayed
    status: str | None = None  # enhanced status code, "5.1.1"
    code: int | None = None  # SMTP reply code
    reply: str = ""  # the server's own words, one line, at most 1,000 characters
    level: DeliveredLevel | None = None  # of delivered
    final_recipient: str | None = None  # where it went in the end, if that is another address


@dataclass(frozen=True, slots=True)
class Reading:
    """What one mail that came back says. Whom it is about is in order of trust."""

    kind: ReturnKind  # the whole; with several recipients the gravest
    findings: tuple[Finding, ...] = ()
    tokens: tuple[str, ...] = ()  # of return paths of ours in headers of the envelope
    envelope_ids: tuple[str, ...] = ()  # Original-Envelope-Id, as written
    message_ids: tuple[str, ...] = ()  # of the returned mail, with its angle brackets
    in_reply_to: tuple[str, ...] = ()  # In-Reply-To and References, of answers
    reported_by: str | None = None  # Reporting-MTA
    reported_at: datetime | None = None  # Arrival-Date or Last-Attempt-Date, else the mail's Date
    sender: str | None = None  # who wrote it, an address; of replies
    subject: str = ""  # decoded, one line, at most 500 characters
    text: str = ""  # of replies, complaints and unknowns: decoded, at most 20,000 characters
    cut: bool = False  # it was larger or deeper than what is looked at


@dataclass(frozen=True, slots=True)
class TrackingEntry:
    """What was told about a message after it had left."""

    message_id: int
    return_id: int
    at: datetime
    kind: ReturnKind
    reason: BounceReason | None
    hard: bool | None
    level: DeliveredLevel | None
    status: str | None
    code: int | None
    reply: str | None  # the server's own words
