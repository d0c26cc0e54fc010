"""From a draft and what speaks against it to send or hold, with the task that a hold makes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from notifier.model.decision import (
    CaseChange,
    CaseKind,
    CaseMove,
    Decision,
    Hold,
    Outcome,
    Send,
    Skip,
)
from notifier.model.event import Event
from notifier.model.member import Member
from notifier.model.message import Draft
from notifier.model.money import ShownAmount
from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.model.states import Channel
from notifier.model.task import TaskDraft, TaskKind
from notifier.rules.calendar import japan_date
from notifier.rules.guard import Contradiction


def draft(
    situation: Situation,
    notice: str,
    step: str,
    case: CaseChange,
    *,
    facts: Mapping[str, Any],
    shown: tuple[ShownAmount, ...],
    useful_until: date | None = None,
) -> Draft:
    """A draft in a case, on the channel that reaches the member."""
    return Draft(
        notice=notice,
        step=step,
        scheme=case.scheme,
        matter=case.matter,
        channel=choose(situation.member, situation.notices[notice]),
        generation=case.generation,
        facts={name: value for name, value in facts.items() if value is not None},
        shown=shown,
        not_before=situation.not_before(notice, step),
        useful_until=useful_until,
    )


def weigh(situation: Situation, letter: Draft, found: Iterable[Contradiction] = ()) -> Send | Hold:
    """Hold a draft for the first thing that speaks against it, else send it."""
    contradictions = list(found)
    if contradictions:
        details = {"contradictions": [_told(c) for c in contradictions]}
        return Hold(draft=letter, reason=contradictions[0].reason, details=details)
    if situation.scheme is None or situation.scheme.brand_on(situation.today) is None:
        return Hold(draft=letter, reason=Reason.NO_BRAND)
    if letter.channel is None:
        return Hold(draft=letter, reason=Reason.NO_ADDRESS)
    if letter.useful_until and japan_date(goes_out(letter, situation.now)) > letter.useful_until:
        return Hold(draft=letter, reason=Reason.DEADLINE_PASSED)
    return _in_time(situation, letter)


def _in_time(situation: Situation, letter: Draft) -> Send | Hold:
    """What cannot be there by post in time goes by mail, or else to a person."""
    late = letter.useful_until and situation.letter_by and situation.letter_by > letter.useful_until
    if letter.channel is None or not letter.channel.rules.paper or not late:
        return Send(draft=letter)
    by_mail = Channel.EMAIL in situation.notices[letter.notice].channels
    if by_mail and reaches(situation.member, Channel.EMAIL):
        return Send(draft=replace(letter, channel=Channel.EMAIL))
    details = {"arrives_on": str(situation.letter_by), "useful_until": str(letter.useful_until)}
    return Hold(draft=letter, reason=Reason.LETTER_TOO_LATE, details=details)


def goes_out(letter: Draft, now: datetime) -> datetime:
    """The moment from which a draft may go out."""
    return max(now, letter.not_before or now)


def _told(contradiction: Contradiction) -> dict[str, Any]:
    return {
        "reason": contradiction.reason,
        "what": contradiction.what,
        "expected": contradiction.expected,
        "observed": contradiction.observed,
    }


def hold_task(hold: Hold, *messages: int) -> TaskDraft:
    """The task for a hold of these messages: one for each notice, scheme and reason."""
    parts = [hold.draft.notice, hold.draft.scheme, str(hold.reason)]
    parts += [
        f"{c['what']}:{c['expected']}:{c['observed']}"
        for c in hold.details.get("contradictions", ())
        if c["reason"] == Reason.AMOUNT_CONTRADICTS_FEE
    ]
    details = {
        "notice": hold.draft.notice,
        "scheme": hold.draft.scheme,
        "reason": hold.reason,
        **hold.details,
    }
    return TaskDraft(
        kind=TaskKind.HELD_MESSAGE, key="|".join(parts), details=details, messages=messages
    )


def settle(
    outcome: Outcome, *, cases: Sequence[CaseChange] = (), tasks: Sequence[TaskDraft] = ()
) -> Decision:
    """A decision with one outcome; a hold brings its task."""
    made = [hold_task(outcome)] if isinstance(outcome, Hold) else []
    return Decision(outcomes=(outcome,), cases=tuple(cases), tasks=(*tasks, *made))


def skip(reason: Reason, notice: str = "", **details: Any) -> Skip:
    """No message, and why."""
    return Skip(reason=reason, notice=notice, details=details)


def note(
    event: Event, case: CaseRecord | None, kind: CaseKind, matter: str, scheme: str
) -> CaseChange:
    """Something is said about a matter; nothing runs because of it."""
    return CaseChange(
        kind=kind,
        matter=matter,
        scheme=scheme,
        move=CaseMove.NOTE,
        reason=Reason.CONTINUED if case else Reason.OPENED,
        generation=generation(event, case, None),
    )


def generation(event: Event, case: CaseRecord | None, failed_on: date | None) -> int:
    """The generation of what an event says about a case.

    A further failure, and an event that corrects an earlier one, speak again; the same failure
    told twice does not.
    """
    if case is None:
        return 1
    again = failed_on is not None and failed_on != case.last_failed_on
    return case.generation + (again or event.supersedes is not None)


def choose(member: Member, notice: Notice) -> Channel | None:
    """The member's preference where the notice allows it, else the notice's order.

    A binding notice goes by its own order alone.

    None when no channel of the notice reaches the member.
    """
    order = list(notice.channels)
    if member.channel in order and not notice.binding:
        order.remove(member.channel)
        order.insert(0, member.channel)
    return next((c for c in order if reaches(member, c)), None)


def reaches(member: Member, channel: Channel) -> bool:
    """Whether a channel leads to a member as far as the register knows."""
    return bool(getattr(member, channel.rules.needs))
