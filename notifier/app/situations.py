"""What the record knows about a wave of events, loaded set by set; and what speaks against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor, system
from notifier.model.decision import Decision
from notifier.model.errors import FieldError
from notifier.model.event import CLOCK_AHEAD, Event
from notifier.model.member import Enrolment, Member, MemberStatus, PostalAddress
from notifier.model.membership import MemberUpdated
from notifier.model.money import AmountRole
from notifier.model.register import STATUS, Change, changed_by
from notifier.model.situation import CaseRecord, ChargeRecord, RefundRecord, Situation
from notifier.rules.calendar import japan_date
from notifier.rules.open_days import arrival
from notifier.rules.plan import earliest
from notifier.store import (
    cases,
    charges,
    history,
    member_changes,
    members,
    refunds,
    reregistrations,
    superseded,
)
from notifier.store.member_changes import Recorded
from notifier.store.reregistrations import Reregistration

from .rule_context import RuleContext

_EVENTS: Final = system("door")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEvent:
    """An event that is on record and waits for its decision."""

    place: int  # in the request, for the errors
    event_id: int
    event: Event


class DecidedEvent(NamedTuple):
    """An event with what the record knew about it, and what the rules made of both."""

    incoming: IncomingEvent
    situation: Situation
    decision: Decision


@dataclass(slots=True, kw_only=True)
class _Record:
    """Everything on record about one wave."""

    members: Mapping[str, Member]
    newer: frozenset[str]  # member numbers whose register entry is newer than the event
    charges: Mapping[tuple[str, str], tuple[int, ChargeRecord]]
    refunds: Mapping[tuple[str, str], tuple[int, RefundRecord]]
    cases: Mapping[int, list[CaseRecord]]
    shown: Mapping[int, list[tuple[str, str, int]]]
    superseded: Mapping[int, frozenset[int]]  # event id → events whose place it takes
    last_notified_on: Mapping[int, date]  # case id → the latest day of a message
    reregistered: Mapping[int, list[Reregistration]]  # by member id


async def load_situations(
    conn: AsyncConnection,
    wave: Sequence[IncomingEvent],
    context: RuleContext,
    now: datetime,
    actor: Actor = _EVENTS,
) -> tuple[list[tuple[IncomingEvent, Situation]], list[FieldError]]:
    """Situations of the events that fit the record, and errors about those that do not.

    A wave has at most one event for each member; the members are locked, so that events about
    one member are decided one after the other.
    """
    record = await _load(conn, wave, context, now, actor)
    ready: list[tuple[IncomingEvent, Situation]] = []
    errors: list[FieldError] = []
    for incoming in wave:
        wrong = list(_check(incoming, record, context, now))
        errors += wrong
        if not wrong:
            ready.append((incoming, _situation(incoming, record, context, now)))
    return ready, errors


async def _load(
    conn: AsyncConnection,
    wave: Sequence[IncomingEvent],
    context: RuleContext,
    now: datetime,
    actor: Actor,
) -> _Record:
    newer = await _register(conn, wave, context, now, actor)
    families = await superseded.families(
        conn, [(a.event_id, a.event.source, s) for a in wave if (s := a.event.supersedes)]
    )
    await _take_back(conn, wave, frozenset[int]().union(*families.values()), now, actor)
    found = await members.by_number(conn, [a.event.member_no for a in wave], lock=True)
    charge_keys = [k for a in wave if (k := _key(a.event, "charge_id"))]
    refund_keys = [k for a in wave if (k := _key(a.event, "refund_id"))]
    decided = await refunds.load(conn, refund_keys)
    charge_keys += [(source, refund.charge_id) for (source, _), (_, refund) in decided.items()]
    matters = [matter for _, matter in (*charge_keys, *refund_keys)]
    matters += [str(r) for a in wave if (r := getattr(a.event.data, "renewal", None))]
    about = await cases.of_members(conn, [m.member_id for m in found.values()], matters)
    case_ids = [c.case_id for of in about.values() for c in of if c.matter in matters]
    return _Record(
        members=found,
        newer=newer,
        charges=await charges.load(conn, charge_keys),
        refunds=decided,
        cases=about,
        shown=await history.shown_in(conn, case_ids),
        superseded=families,
        last_notified_on=await history.spoken(conn, case_ids),
        reregistered=await reregistrations.of_members(conn, [m.member_id for m in found.values()]),
    )


async def _take_back(
    conn: AsyncConnection,
    wave: Sequence[IncomingEvent],
    event_ids: frozenset[int],
    now: datetime,
    actor: Actor,
) -> None:
    returned = await superseded.take_back(conn, event_ids, now=now)
    by = {a.event.member_no: a.event_id for a in wave}
    change = Change(STATUS, MemberStatus.LEFT, MemberStatus.ACTIVE)
    made = [Recorded(member_no=no, change=change, event_id=by.get(no)) for no in returned]
    await member_changes.record(conn, made, actor=actor, now=now)
    await reregistrations.take_back(conn, event_ids, now=now)


async def _register(
    conn: AsyncConnection,
    wave: Sequence[IncomingEvent],
    context: RuleContext,
    now: datetime,
    actor: Actor,
) -> frozenset[str]:
    told = {
        a.event.member_no: (a.event.data, a)
        for a in wave
        if isinstance(a.event.data, MemberUpdated) and not _unknown_schemes(a.event.data, context)
    }
    if not told:
        return frozenset()
    before = await members.by_number(conn, list(told), lock=True)
    after = {no: member_of(data, before.get(no)) for no, (data, _) in told.items()}
    given = [(after[no], a.event.time) for no, (_, a) in told.items()]
    saved = await members.save(conn, given, now=now)
    made = [
        Recorded(member_no=no, change=change, event_id=a.event_id)
        for no, (_, a) in told.items()
        if no in saved
        for change in changed_by(before.get(no), after[no])
    ]
    await member_changes.record(conn, made, actor=actor, now=now)
    return frozenset(told.keys() - saved.keys())


def _unknown_schemes(data: MemberUpdated, context: RuleContext) -> list[tuple[str, str]]:
    return [
        (f"data.enrolments.{n}.scheme", e.scheme)
        for n, e in enumerate(data.enrolments)
        if e.scheme not in context.schemes
    ]


def member_of(data: MemberUpdated, known: Member | None = None) -> Member:
    """The member that an event describes.

    How a member is addressed stays as ``known`` where the event does not say it: senders of
    before do not know these fields, and would take away what the office has registered.
    """
    address = data.address
    kept = {
        name: getattr(known, name)
        for name in ("organisation", "honorific")
        if known and name not in data.model_fields_set
    }
    return Member(
        member_id=0,
        member_no=data.member_no,
        name=data.name,
        kana=data.kana,
        email=data.email,
        phone=data.phone,
        address=PostalAddress(**address.model_dump()) if address else None,
        language=data.language,
        channel=data.channel,
        organisation=kept.get("organisation", data.organisation),
        honorific=kept.get("honorific", data.honorific),
        enrolments=tuple(
            Enrolment(scheme=e.scheme, policies=tuple(e.policies)) for e in data.enrolments
        ),
    )


def _key(event: Event, name: str) -> tuple[str, str] | None:
    value: Any = getattr(event.data, name, None)
    return (event.source, value) if value else None


def _check(
    incoming: IncomingEvent, record: _Record, context: RuleContext, now: datetime
) -> list[FieldError]:
    event, data = incoming.event, incoming.event.data
    wrong: list[tuple[str, str, object]] = []
    if event.time > now + CLOCK_AHEAD:  # it would overtake all that is to come
        wrong.append(("time", "time_ahead", event.time.isoformat()))
    if isinstance(data, MemberUpdated) and (unknown := _unknown_schemes(data, context)):
        return [
            FieldError(field, "unknown_scheme", {"value": scheme}, index=incoming.place)
            for field, scheme in unknown
        ]
    member = record.members.get(event.member_no)
    if member is None:
        wrong.append(("data.member_no", "unknown_member", event.member_no))
    scheme = getattr(data, "scheme", None)
    if scheme is not None and scheme not in context.schemes:
        wrong.append(("data.scheme", "unknown_scheme", scheme))
    charge = record.charges.get(_key(event, "charge_id") or ("", ""))
    if charge and member and charge[0] != member.member_id:
        wrong.append(("data.charge_id", "charge_of_other_member", charge[1].charge_id))
    wrong += _check_refund(event, member, record)
    if event.supersedes and incoming.event_id not in record.superseded:
        wrong.append(("supersedes", "unknown_event", event.supersedes))
    return [
        FieldError(field, code, {"value": value}, index=incoming.place)
        for field, code, value in wrong
    ]


def _check_refund(
    event: Event, member: Member | None, record: _Record
) -> list[tuple[str, str, object]]:
    key = _key(event, "refund_id")
    if key is None:
        return []
    refund = record.refunds.get(key)
    if refund is None and event.type == "billing.refund.completed":
        return [("data.refund_id", "unknown_refund", key[1])]
    if refund and member and refund[0] != member.member_id:
        return [("data.refund_id", "refund_of_other_member", key[1])]
    return []


def letter_by(member: Member, scheme: str, context: RuleContext, starts: datetime) -> date | None:
    """The day on which a letter to a member arrives that may go out from a moment on."""
    if member.address is None:
        return None
    return arrival(starts, member.address, context.press, context.closures.of(scheme))


def _situation(
    incoming: IncomingEvent, record: _Record, context: RuleContext, now: datetime
) -> Situation:
    event = incoming.event
    member = record.members[event.member_no]
    refund = record.refunds.get(_key(event, "refund_id") or ("", ""))
    key = _key(event, "charge_id") or ((event.source, refund[1].charge_id) if refund else None)
    charge = record.charges.get(key) if key else None
    scheme = getattr(event.data, "scheme", None) or (refund[1].scheme if refund else None)
    about = record.cases.get(member.member_id, [])
    shown = frozenset(
        (AmountRole(role), name, yen)
        for case in about
        for role, name, yen in record.shown.get(case.case_id, ())
        if case.matter == getattr(event.data, "charge_id", None)
    )
    calendar = context.calendar(scheme or "")
    starts = earliest(now, calendar, after=_last_notified_on(event, about, record))
    return Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=context.schemes.get(scheme) if scheme else None,
        notices=context.notices,
        calendar=calendar,
        earliest=starts,
        reregistered_at=_reregistered(event, record.reregistered.get(member.member_id, ())),
        charge=charge[1] if charge else None,
        refund=refund[1] if refund else None,
        cases=tuple(about),
        shown=shown,
        superseded=record.superseded.get(incoming.event_id, frozenset()),
        letter_by=letter_by(member, scheme or "", context, starts),
        register_newer=event.member_no in record.newer,
    )


def _last_notified_on(event: Event, about: Sequence[CaseRecord], record: _Record) -> date | None:
    """The latest day on which the matter's own case has spoken or will speak."""
    own = [c.case_id for c in about if (c.source, c.matter) == (event.source, event.matter)]
    days = record.last_notified_on
    return max((days[case_id] for case_id in own if case_id in days), default=None)


def _reregistered(event: Event, known: Sequence[Reregistration]) -> datetime | None:
    """The latest re-registration that an event's charge is about."""
    charge_id = getattr(event.data, "charge_id", None)
    scheme = getattr(event.data, "scheme", None)
    about = [
        one.at
        for one in known
        if (one.source, one.scheme) == (event.source, scheme) and one.charge_id in (None, charge_id)
    ]
    return max(about, default=None)
