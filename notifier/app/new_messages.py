"""From a draft to a stored message, under the key that makes it one."""

from datetime import datetime
from typing import Any

from notifier.model.message import Draft, new_token
from notifier.model.money import ShownAmount
from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rules.calendar import end_of
from notifier.rules.rules.outcomes import goes_out


def message_row(
    draft: Draft,
    notice: Notice,
    *,
    case_id: int | None,
    member_id: int | None,
    language: str,
    held: Reason | None,
    now: datetime,
) -> dict[str, Any]:
    """A row for :func:`notifier.store.messages.insert`; it waits for the draft's moment.

    A message that cannot reach its member stands as email, held, until an address is there.
    """
    starts = goes_out(draft, now)
    return {
        "token": new_token(),
        "case_id": case_id,
        "member_id": member_id,
        "notice": draft.notice,
        "step": draft.step,
        "channel": draft.channel or Channel.EMAIL,
        "generation": draft.generation,
        "scheme": draft.scheme,
        "language": language,
        "lane": int(notice.lane),
        "state": State.HELD if held else State.QUEUED,
        "reason": held or Reason.CREATED,
        "uncertain_policy": notice.uncertain,
        "most_attempts": notice.attempts,
        "next_attempt_at": starts,
        "expires_at": expiry(draft, notice, starts),
        "useful_until": draft.useful_until,
        "facts": dict(draft.facts),
        "shown": [shown_row(s) for s in draft.shown],
    }


def expiry(draft: Draft, notice: Notice, starts: datetime) -> datetime:
    """Until when a message is worth sending: the notice's limit, at most the draft's last day.

    A draft whose last day is over is held for that reason; there the notice's limit counts.
    """
    limit = starts + notice.expires_after
    if draft.useful_until is None or (last := end_of(draft.useful_until)) <= starts:
        return limit
    return min(limit, last)


def shown_row(amount: ShownAmount) -> dict[str, Any]:
    """An amount as stored beside the message."""
    row = {"role": amount.role, "name": amount.name, "yen": amount.yen}
    return row | ({"charge": amount.charge} if amount.charge else {})
