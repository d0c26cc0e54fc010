"""Tasks that delivery makes for people. Their details hold no contact data."""

from collections.abc import Iterable

from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.task import TaskDraft, TaskKind, uncertain
from notifier.store.attempts import Result

from .compose import Unsendable

__all__ = ["expired", "failed", "held", "uncertain"]


def failed(message_id: int, notice: str, result: Result) -> TaskDraft:
    """A message was refused for good, or for too long."""
    number = public_number(message_id)
    details = {"message": number, "notice": notice, "reason": result.reason}
    if result.code is not None:
        details["code"] = " ".join(filter(None, (str(result.code), result.enhanced)))
    return TaskDraft(kind=TaskKind.FAILED_MESSAGE, key=number, details=details)


def held(message_id: int, notice: str, error: Unsendable) -> TaskDraft:
    """A message cannot be put into words or has nowhere to go; equal causes are counted."""
    details = {"message": public_number(message_id), "notice": notice, "reason": error.reason}
    if error.what:
        details["field"] = error.what
    key = f"{error.reason}|{notice}|{error.what}"
    return TaskDraft(kind=TaskKind.HELD_MESSAGE, key=key, details=details, messages=(message_id,))


def expired(ended: Iterable[tuple[int, str]]) -> list[TaskDraft]:
    """Messages (id, notice) that were not sent in time, one task for each notice."""
    return [
        TaskDraft(
            kind=TaskKind.FAILED_MESSAGE,
            key=f"{Reason.EXPIRED}|{notice}",
            details={
                "message": public_number(message_id),
                "notice": notice,
                "reason": Reason.EXPIRED,
            },
        )
        for message_id, notice in ended
    ]
