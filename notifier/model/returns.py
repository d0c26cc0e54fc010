"""Returns: what came back as it came in, and where its handling stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .tracking import DeliveredLevel, Reading, ReturnKind


class Standing(StrEnum):
    """Where the handling of a return stands. Labels: ``standing.<value>``."""

    APPLIED = "applied"  # it is an entry on its message, and whatever follows from it
    WAITING = "waiting"  # its message is in the middle of being sent; the sweep looks again
    IGNORED = "ignored"  # it changes nothing, for a typed reason; it is counted
    PERSON = "person"  # only a person can say what it is about
    KNOWN = "known"  # the same came before; it is counted with the first


class ReturnReason(StrEnum):
    """Why a return was not simply applied. Labels: ``return_reason.<value>``."""

    UNKNOWN_MAIL = "unknown_mail"  # it names a mail that we never wrote: forged or mangled
    TOO_LATE = "too_late"  # it comes longer after its mail than any honest report
    NEVER_SENT = "never_sent"  # its mail has not left the house
    OTHER_MEMBER = "other_member"  # it names one member's mail and another member's address
    CONTRADICTORY = "contradictory"  # it names several of our mails
    NO_PROOF = "no_proof"  # it names no mail of ours, at most an address
    UNREADABLE = "unreadable"  # what it says is not understood
    BROKEN = "broken"  # our own rules broke on it
    BY_PERSON = "by_person"  # a person has put it aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One thing that came back, read."""

    source: str  # which way it came: "smtp", "imap:…", "file", a provider; printable, ≤ 200
    external_id: str  # its name there; the same (source, id) is taken once; ≤ 300
    raw: bytes  # exactly as received; the same bytes are taken once, whatever their name
    reading: Reading
    recipients: tuple[str, ...] = ()  # of the envelope, where there is one
    #: From which level on a report of delivery moves the message. A DSN "relayed" does not: the
    #: next server may be a mere gateway. A log or provider that names the destination's may.
    delivered_from: DeliveredLevel = DeliveredLevel.MAILBOX
    at: datetime | None = None  # when it happened, if the source says so; else as the reading says


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a return."""

    return_id: int
    standing: Standing
    kind: ReturnKind
    reason: ReturnReason | None = None
    message_id: int | None = None  # that it is about


@dataclass(frozen=True, slots=True)
class KnownReturn:
    """A return on record."""

    return_id: int
    received_at: datetime
    source: str
    kind: ReturnKind
    standing: Standing
    reason: ReturnReason | None
    message_id: int | None
    times: int  # that the same came
    size: int  # in bytes


@dataclass(frozen=True, slots=True)
class ReturnCount:
    """How many returns stand somewhere for one reason."""

    standing: Standing
    reason: ReturnReason | None
    kind: ReturnKind
    count: int
    times: int  # that they came
