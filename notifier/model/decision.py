"""What the rules answer: send, hold or skip, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from .message import Draft
from .reasons import Reason
from .task import TaskDraft


class CaseKind(StrEnum):
    """What a matter is about."""

    CHARGE = "charge"  # a failed charge, a wrong amount, a correction
    REFUND = "refund"
    RENEWAL = "renewal"  # of a scheme's policies
    MAILING = "mailing"  # a cohort file
    REPORT = "report"  # a formal letter to an organisation that is no member


class CaseMove(StrEnum):
    """What an event does to its case."""

    OPEN = "open"  # or continue an open one
    NOTE = "note"  # something is said about the matter; nothing runs because of it
    STOP_REMINDERS = "stop_reminders"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """A change of the case that the event belongs to."""

    kind: CaseKind
    matter: str  # charge id, refund id, name of a mailing
    scheme: str
    move: CaseMove
    reason: Reason
    source: str = ""  # of the case; empty: the event's own
    generation: int = 1
    failed_on: date | None = None  # the failure that this change tells of
    deadline: date | None = None
    recharge_on: date | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # what reminders will say
    plan: str | None = None  # what the case says by itself from now on, with OPEN
    told_on: date | None = None  # the day on which this change is told to the member, with OPEN
    ended_on: date | None = None  # with CLOSE: the day that the event gives
    cancels: tuple[str, ...] = ()  # notices whose unsent messages are stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A message goes out."""

    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A message waits for a person."""

    draft: Draft
    reason: Reason
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """No message, and why."""

    reason: Reason
    notice: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


Outcome = Send | Hold | Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All that follows from one event. At least one outcome, so that every event is accounted."""

    outcomes: tuple[Outcome, ...]
    cases: tuple[CaseChange, ...] = ()
    tasks: tuple[TaskDraft, ...] = ()
