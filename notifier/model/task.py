"""Tasks: what a person must do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from .message import public_number


class TaskKind(StrEnum):
    """Why a person is asked."""

    HELD_MESSAGE = "held_message"
    AMOUNT_ALERT = "amount_alert"  # submitted charges contradict the register
    UNKNOWN_GATEWAY_CODE = "unknown_gateway_code"
    OPERATIONS_ALERT = "operations_alert"  # the gateway says our data or contract is wrong
    OUTCOME_MISSING = "outcome_missing"  # billing retries silently; no outcome followed
    UNCERTAIN_MESSAGE = "uncertain_message"
    FAILED_MESSAGE = "failed_message"
    REJECTED_EVENT = "rejected_event"
    UNCERTAIN_BATCH = "uncertain_batch"  # the press may or may not have it
    POSTED_IN_VAIN = "posted_in_vain"  # a piece that was withdrawn was posted all the same
    UNDECIDED_EVENT = "undecided_event"  # our own rules broke on it
    DATABASE_REFUSED = "database_refused"  # what we asked of it: a fault of ours, or bad data
    ITEM_PUT_OFF = "item_put_off"  # a case, say, on which a sweep broke: it is tried later
    WEBHOOK_FAILED = "webhook_failed"  # it wants no more calls, or one was given up
    UNREACHED_MEMBER = "unreached_member"  # neither mail nor a letter in time
    COMPLAINT = "complaint"  # a member has called a mail unwanted
    MEMBER_REPLY = "member_reply"  # a member has answered a mail
    UNREAD_RETURN = "unread_return"  # what came back and cannot be told what it is about
    SUPPRESSED_ADDRESS = "suppressed_address"  # a member whom mail reaches no more


@dataclass(frozen=True, slots=True)
class TaskRule:
    """When a task is due, when it escalates and whether staff get a mail about it."""

    due: timedelta
    escalate: timedelta
    urgent: bool


_H = timedelta(hours=1)

RULES: Final = {
    TaskKind.HELD_MESSAGE: TaskRule(4 * _H, 8 * _H, True),
    TaskKind.AMOUNT_ALERT: TaskRule(1 * _H, 2 * _H, True),
    TaskKind.UNKNOWN_GATEWAY_CODE: TaskRule(4 * _H, 8 * _H, True),
    TaskKind.OPERATIONS_ALERT: TaskRule(4 * _H, 8 * _H, True),
    TaskKind.OUTCOME_MISSING: TaskRule(24 * _H, 48 * _H, False),
    TaskKind.UNCERTAIN_MESSAGE: TaskRule(4 * _H, 24 * _H, False),
    TaskKind.FAILED_MESSAGE: TaskRule(24 * _H, 48 * _H, False),
    TaskKind.REJECTED_EVENT: TaskRule(4 * _H, 8 * _H, True),
    TaskKind.UNCERTAIN_BATCH: TaskRule(1 * _H, 4 * _H, True),
    TaskKind.POSTED_IN_VAIN: TaskRule(24 * _H, 48 * _H, False),
    TaskKind.UNDECIDED_EVENT: TaskRule(1 * _H, 2 * _H, True),
    TaskKind.DATABASE_REFUSED: TaskRule(1 * _H, 2 * _H, True),
    TaskKind.ITEM_PUT_OFF: TaskRule(1 * _H, 2 * _H, True),
    TaskKind.WEBHOOK_FAILED: TaskRule(24 * _H, 48 * _H, False),
    TaskKind.UNREACHED_MEMBER: TaskRule(4 * _H, 24 * _H, True),
    TaskKind.COMPLAINT: TaskRule(24 * _H, 48 * _H, False),
    TaskKind.MEMBER_REPLY: TaskRule(8 * _H, 24 * _H, False),
    TaskKind.UNREAD_RETURN: TaskRule(24 * _H, 72 * _H, False),
    TaskKind.SUPPRESSED_ADDRESS: TaskRule(24 * _H, 72 * _H, False),
}


#: Tasks that messages wait for, held.
WAITED_FOR: Final = frozenset({TaskKind.HELD_MESSAGE, TaskKind.UNKNOWN_GATEWAY_CODE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft:
    """A task to be made, or one more count on the open task with the same key."""

    kind: TaskKind
    key: str  # what makes it the same matter; one open task per (kind, key)
    details: Mapping[str, Any] = field(
        default_factory=dict
    )  # figures for the reader, no contact data
    not_before: datetime | None = None  # a task that only matters if nothing follows by then
    messages: tuple[int, ...] = ()  # ids of messages that are held until the task is seen to


def uncertain(message_id: int, notice: str) -> TaskDraft:
    """Nobody knows whether the relay has a message, and only a person can settle it."""
    number = public_number(message_id)
    details = {"message": number, "notice": notice}
    return TaskDraft(kind=TaskKind.UNCERTAIN_MESSAGE, key=number, details=details)
