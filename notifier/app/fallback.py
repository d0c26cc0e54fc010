"""Fallback: a letter takes the place of a mail that has not reached its reader.

One decision for each mail, under the lock of its member and of itself: an event that ends the
matter, or a report that the mail has arrived, comes before it or after it. What arrives after it
stops the letter, as long as that has not left the context.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.new_messages import message_row
from notifier.app.rule_context import RuleContext
from notifier.model.actor import Actor
from notifier.model.correspondence import MAILED_ON
from notifier.model.fallback import ASKS, Fallback
from notifier.model.member import Member
from notifier.model.message import Draft, public_number
from notifier.model.money import AmountRole, ShownAmount
from notifier.model.notice import Lane, Notice, requests_of
from notifier.model.states import Channel, State
from notifier.model.task import TaskDraft, TaskKind
from notifier.rules.calendar import business_day, end_of, japan_date
from notifier.rules.open_days import arrival
from notifier.rules.together import charges_of, shown_of, step_of, useful_until, without
from notifier.store import fallbacks, members, messages, tasks
from notifier.store.db import loads
from notifier.store.isolation import Isolation
from notifier.store.put_off import Sweep

_MOST: Final = 500  # mails in one transaction
_STOPPED: Final = frozenset({State.CANCELLED, State.EXPIRED, State.FAILED})


@dataclass(frozen=True, slots=True)
class _Decided:
    """What is done about a mail: a row for a letter, or a decision without one."""

    fallback: Fallback
    row: Mapping[str, Any] | None = None
    by: date | None = None  # the day on which a letter would arrive


async def take_over(
    conn: AsyncConnection,
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
    mails: Sequence[int] | None = None,
) -> tuple[int, set[Lane]]:
    """Decide about mails that have not arrived; how many there were, and the lanes of letters.

    ``mails``: of these only, for whoever has just recorded that they bounced. Call it in a
    transaction of its own: members are locked before messages. Safe to run twice.
    """
    await fallbacks.stop_arrived(conn, ids=mails, actor=actor, now=now)
    policies = {
        notice.name: None if (wait := notice.fallback.uncertain_after) is None else now - wait
        for notice in context.notices.values()
        if notice.fallback is not None
    }
    ids = await fallbacks.unreached(conn, policies, ids=mails, limit=_MOST, now=now)
    lanes: set[Lane] = set()

    async def work(some: Sequence[int]) -> None:
        lanes.update(await _decide_all(conn, some, context, actor=actor, now=now))

    isolation = Isolation(sweep=Sweep.FALLBACK, actor=actor, now=now)
    await isolation.each(conn, ids, work, ids=lambda one: [one])
    return len(ids), lanes


async def _decide_all(
    conn: AsyncConnection, ids: Sequence[int], context: RuleContext, *, actor: Actor, now: datetime
) -> set[Lane]:
    found = await fallbacks.take(conn, ids, requests=requests_of(context.notices))
    people = await members.by_id(conn, [r.member_id for r in found if r.member_id is not None])
    decided = {
        r.message_id: _decide(r, people[r.member_id], context, now)
        for r in found
        if r.member_id is not None
    }
    await _store(conn, found, decided, actor=actor, now=now)
    return {context.notices[r.notice].lane for r in found if decided[r.message_id].row is not None}


def _decide(
    mail: fallbacks.ToldMessage, member: Member, context: RuleContext, now: datetime
) -> _Decided:
    left = left_of(mail, context.notices) if mail.stopped is None else Fallback.ENDED
    if isinstance(left, Fallback):
        return _Decided(left)
    if member.address is None:
        return _Decided(Fallback.NO_POSTAL_ADDRESS)
    is_work_day = context.closures.of(mail.scheme or "")
    by = arrival(now, member.address, context.press, is_work_day)
    if left.useful_until is not None and by > left.useful_until:
        return _Decided(Fallback.TOO_LATE, by=by)
    collected = end_of(business_day(now, context.press.cut_off, is_work_day))
    row = _row(mail, left, context, now)
    return _Decided(Fallback.LETTER, {**row, "expires_at": max(row["expires_at"], collected)}, by)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a mail is still to be said, and the case whose it is."""

    case_id: int | None
    generation: int
    step: str
    facts: Mapping[str, Any]
    shown: tuple[ShownAmount, ...]
    useful_until: date | None


def whole(mail: fallbacks.ToldMessage) -> Left:
    """All that a message says, whatever has become of it."""
    facts, amounts = loads(mail.facts), _amounts(mail)
    return Left(mail.case_id, mail.generation, mail.step, facts, amounts, mail.useful_until)


def left_of(mail: fallbacks.ToldMessage, notices: Mapping[str, Notice]) -> Left | Fallback:
    """Or why nothing is: it has ended, or was told anew. Charges told together end one by one."""
    request = mail.notice in requests_of(notices) and mail.case_id is not None
    own = {n: getattr(mail, n) for n in ("case_id", "matter", "generation", "is_open", "overtaken")}
    told = [own, *loads(mail.others)]
    going = [one for one in told if one["is_open"] or not request]
    left = {one["matter"]: one for one in going if not one["overtaken"]}
    if not left:
        return Fallback.OVERTAKEN if going else Fallback.ENDED
    if len(left) == len(told):
        return whole(mail)
    facts, step, last = loads(mail.facts), mail.step, mail.useful_until
    rest = without(facts, {one["matter"] for one in told} - left.keys())
    assert rest is not None
    first = left[rest["charge_id"]]
    return Left(
        first["case_id"],
        first["generation"],
        step_of(facts, first["matter"], step),
        rest,
        shown_of(charges_of(rest)),
        last and useful_until(rest),
    )


def _amounts(mail: fallbacks.ToldMessage) -> tuple[ShownAmount, ...]:
    return tuple(
        ShownAmount(AmountRole(a["role"]), a["name"], a["yen"], a.get("charge", ""))
        for a in loads(mail.shown)
    )


def _row(
    mail: fallbacks.ToldMessage, left: Left, context: RuleContext, now: datetime
) -> dict[str, Any]:
    """The letter: it says what the mail said, and on which day that was."""
    written = japan_date(mail.tried_at or mail.created_at)
    draft = Draft(
        notice=mail.notice,
        step=left.step,
        scheme=mail.scheme,
        channel=Channel.LETTER,
        generation=left.generation,
        facts={**left.facts, MAILED_ON: written.isoformat()} if mail.tried_at else left.facts,
        shown=left.shown,
        useful_until=left.useful_until,
    )
    row = message_row(
        draft,
        context.notices[mail.notice],
        case_id=left.case_id,
        member_id=mail.member_id,
        language=mail.language,
        held=None,
        now=now,
    )
    return {**row, "in_place_of": mail.message_id}


async def _store(
    conn: AsyncConnection,
    found: Sequence[fallbacks.ToldMessage],
    decided: dict[int, _Decided],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    rows = [d.row for d in decided.values() if d.row is not None]
    made = await messages.insert(conn, rows, actor=actor, now=now)
    lost = {n: row for n, row in enumerate(rows) if n not in made}
    if lost:  # a letter of this key is there: all is well unless that was taken back
        states = await fallbacks.letters_of(conn, list(lost.values()))
        for place, row in enumerate(lost.values()):
            if states.get(place) in _STOPPED:
                decided[row["in_place_of"]] = _Decided(Fallback.LETTER_STOPPED)
    await fallbacks.inherit(conn, list(made.values()))
    known = {m: d.fallback for m, d in decided.items()}
    await fallbacks.decided(conn, known, actor=actor, now=now)
    drafts = [
        _task(r.message_id, r, decided[r.message_id].fallback, _dates(r, decided[r.message_id].by))
        for r in found
        if decided[r.message_id].fallback in ASKS
    ]
    await tasks.raise_all(conn, drafts, actor=actor, now=now)


def _dates(found: fallbacks.ToldMessage, by: date | None) -> dict[str, str]:
    return (
        {}
        if by is None
        else {"arrives_on": by.isoformat(), "useful_until": str(found.useful_until)}
    )


def _task(
    message_id: int,
    found: fallbacks.ToldMessage | fallbacks.ReturnedLetter,
    why: Fallback,
    dates: Mapping[str, str] = MappingProxyType({}),
) -> TaskDraft:
    number = public_number(message_id)
    details: dict[str, Any] = {
        "message": number,
        "notice": found.notice,
        "scheme": found.scheme,
        "fallback": why,
        "reason": found.reason,
        **dates,
    }
    return TaskDraft(kind=TaskKind.UNREACHED_MEMBER, key=number, details=details)


async def tell_returned(conn: AsyncConnection, *, actor: Actor, now: datetime) -> int:
    """A task for each letter that the post has brought back, once; how many."""
    found = await fallbacks.returned(conn, limit=_MOST)
    drafts = [_task(r.message_id, r, Fallback.RETURNED) for r in found]
    await tasks.raise_all(conn, drafts, actor=actor, now=now)
    return len(found)
