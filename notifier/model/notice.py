"""Notices: the kinds of correspondence and what each allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

from .money import AmountRole
from .plan import CutOff, Plan
from .states import Channel


class Lane(IntEnum):
    """Queues with connections of their own; an urgent notice never waits for a mailing."""

    URGENT = 0
    STANDARD = 1
    BULK = 2


class UncertainPolicy(StrEnum):
    """What to do when nobody knows whether the relay took a message."""

    ASK = "ask"  # a task for a person
    RESEND = "resend"  # once more with the same Message-ID, after a wait


class FieldType(StrEnum):
    """Types of the fields that a template may use."""

    TEXT = "text"
    YEN = "yen"
    DATE = "date"
    NUMBER = "number"
    FLAG = "flag"
    TEXTS = "texts"  # a list of text
    ROWS = "rows"  # a list of objects of text
    RECORDS = "records"  # a list of objects with fields of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """A field of a notice."""

    name: str
    type: FieldType
    optional: bool = False
    parts: "tuple[FieldSpec, ...]" = ()  # of records
    role: AmountRole | None = None  # of an amount: what it is held against before it leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalItem:
    """Something that the law wants a notice to say, and where the notice says it."""

    step: str
    item: str  # as the law names it
    source: str  # law and article
    section: str  # title of the block that carries it
    fields: tuple[str, ...]  # facts that fill it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """That a letter takes over from a mail that has not reached its reader, and when."""

    uncertain_after: timedelta | None = None  # nobody knows for so long; None: that is no ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What ``notice.toml`` says of a notice."""

    name: str
    title: str
    lane: Lane
    channels: tuple[Channel, ...]  # in order of preference
    steps: tuple[str, ...]
    expires_after: timedelta
    uncertain: UncertainPolicy
    retention_years: int
    fields: tuple[FieldSpec, ...]
    step_fields: dict[str, tuple[FieldSpec, ...]]  # further fields of a step
    attempts: int | None = None  # how often a mail is tried at most; None: until it expires
    plans: tuple[Plan, ...] = ()  # what cases say by themselves in its words
    cut_off: CutOff | None = None  # of forms that the reader may send in
    asks_for_payment: bool = False  # it stops when the matter is settled; what is owed goes on
    binding: bool = False  # the first channel that reaches the reader, whatever the reader prefers
    any_time: tuple[str, ...] = ()  # steps that the law wants at once: they wait for no hours
    pages: int | None = None  # that a letter may have at most; None: as many as any
    unsubscribe: bool = False  # whether its reader may stop it; never of what they must know
    fallback: Fallback | None = None
    window: timedelta | None = None  # in which the same words about one matter are said once
    #: Charges with the same deadline are told in one message, which waits so long for others;
    #: None: each in its own.
    together: timedelta | None = None
    legal: tuple[LegalItem, ...] = ()  # what its wording must not lose

    def fields_for(self, step: str) -> tuple[FieldSpec, ...]:
        """All fields that a step's templates may use."""
        return self.fields + self.step_fields.get(step, ())


def requests_of(notices: Mapping[str, Notice]) -> tuple[str, ...]:
    """Return the names of the notices that ask for a payment."""
    return tuple(sorted(notice.name for notice in notices.values() if notice.asks_for_payment))


def plan_of(notices: Mapping[str, Notice], name: str) -> Plan:
    """The plan of a name. Raises KeyError for one that no notice has."""
    for notice in notices.values():
        for plan in notice.plans:
            if plan.name == name:
                return plan
    raise KeyError(name)
