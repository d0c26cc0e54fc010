"""What a case says by itself, day by day, and what of it stands in one message."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from notifier.model.decision import CaseKind, Hold, Send
from notifier.model.message import Draft
from notifier.model.money import AmountRole
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord
from notifier.model.states import Channel
from notifier.rules.calendar import JAPAN
from notifier.rules.reminders import (
    DueCase,
    PlannedNotice,
    is_unanswered,
    messages_of,
    one_a_day,
    step_today,
)
from notifier.rules.together import charges_of
from tests.rules.test_plan import PLAN, USUAL
from tests.rules.toys import notice

#: A charge that failed in July: to be paid by Thursday 8/14, charged again on 8/15.
CASE = CaseRecord(
    case_id=1,
    kind=CaseKind.CHARGE,
    source="billing.example.jp",
    matter="C-1",
    scheme="group-liability",
    is_open=True,
    generation=1,
    member_id=1,
    occurred_at=datetime(2025, 7, 16, tzinfo=UTC),
    deadline=date(2025, 8, 14),
    recharge_on=date(2025, 8, 15),
    told_on=date(2025, 7, 16),
    plan="charge",
)
DUE = DueCase(
    case=CASE,
    plan=PLAN,
    deadline=date(2025, 8, 14),
    group=(1,),
    last_notified_on=date(2025, 7, 16),
    calendar=USUAL,
    blocked=False,
)
NOTICES = {PLAN.notice: notice(PLAN.notice, together=True)}


def _at(day: str, hour: int = 10) -> datetime:
    """A moment of August 2025 by the clock in Japan."""
    month, number = (int(part) for part in day.split("/"))
    return datetime(2025, month, number, hour - 9, tzinfo=UTC)


def _day(text: str | None) -> date | None:
    return None if text is None else _at(text).date()


@pytest.mark.parametrize(
    ("today", "said_up_to", "step", "next_look"),
    [
        ("8/6", "7/16", None, "8/7"),  # a week before comes tomorrow
        ("8/7", "7/16", "before_7", "8/8"),
        ("8/8", "8/7", "before_3", "8/13"),  # 8/11 is a holiday: the Friday before
        ("8/12", "8/8", None, "8/13"),
        ("8/13", "8/8", "before_1", "8/20"),
        ("8/13", "7/16", "before_1", "8/20"),  # after days without a look only the firmest
        ("8/14", "8/13", None, "8/20"),
        ("8/15", "7/16", None, "8/20"),  # the deadline is over: nobody is reminded of it
        ("8/9", "8/8", None, "8/12"),  # a Saturday: the next open day
    ],
)
def test_a_case_by_days(today: str, said_up_to: str, step: str | None, next_look: str) -> None:
    told = _day(said_up_to)
    due = replace(DUE, case=replace(CASE, told_on=told), last_notified_on=told)
    said, advance = step_today(due, _at(today))
    assert said == step
    assert advance.next_due_at is not None
    assert advance.next_due_at.astimezone(JAPAN).date() == _day(next_look)


@pytest.mark.parametrize(
    ("what", "more", "step"),
    [
        ("it has spoken today already", {"last_notified_on": date(2025, 8, 7)}, None),
        ("a message of it is held", {"blocked": True}, None),
        (
            "a working card has been given",
            {"case": replace(CASE, reregistered_at=_at("8/1"))},
            None,
        ),
        (
            "the card was given before it failed",
            {"case": replace(CASE, reregistered_at=datetime(2025, 7, 1, tzinfo=UTC))},
            "before_7",
        ),
    ],
)
def test_what_keeps_a_reminder_back(what: str, more: dict[str, object], step: str | None) -> None:
    said, _ = step_today(replace(DUE, **more), _at("8/7"))  # type: ignore[arg-type]
    assert said == step, what


@pytest.mark.parametrize(
    ("what", "more", "step", "reason", "asks"),
    [
        ("no outcome has come", {}, "passed", Reason.TIMED_OUT, True),
        ("a message of it is held", {"blocked": True}, None, Reason.TIMED_OUT, True),
        (
            "a working card has been given",
            {"case": replace(CASE, reregistered_at=_at("8/1"))},
            None,
            Reason.TIMED_OUT,
            True,
        ),
        (
            "none was waited for",
            {"plan": replace(PLAN, wait=None, over=None)},
            None,
            Reason.ENDED,
            False,
        ),
    ],
)
def test_the_end_of_a_case(
    what: str, more: dict[str, object], step: str | None, reason: Reason, asks: bool
) -> None:
    due = replace(DUE, **more)  # type: ignore[arg-type]
    said, advance = step_today(due, _at("8/20"))
    assert (said, advance.ended, is_unanswered(due, advance)) == (step, reason, asks), what


@pytest.mark.parametrize("hour", [8, 20])
def test_nothing_is_said_outside_of_office_hours(hour: int) -> None:
    said, advance = step_today(DUE, _at("8/7", hour) if hour > 9 else _at("8/6", 23))
    assert (said, advance.told_on) == (None, CASE.told_on)


def test_an_end_waits_for_the_day_after_a_reminder_of_the_same_member() -> None:
    ends = DUE
    late = replace(CASE, case_id=2, deadline=date(2025, 8, 21), recharge_on=date(2025, 8, 22))
    reminds = replace(DUE, case=late, deadline=date(2025, 8, 21))
    now = _at("8/20")
    looked = [step_today(one, now) for one in (ends, reminds)]
    assert [step for step, _ in looked] == ["passed", "before_1"]
    assert [step for step, _ in one_a_day([ends, reminds], looked, now)] == [None, "before_1"]


def _planned(n: int, deadline: str, step: str, **more: object) -> PlannedNotice:
    day = _day(deadline)
    case = replace(CASE, case_id=n, matter=f"C-{n}", deadline=day, **more)  # type: ignore[arg-type]
    draft = Draft(
        notice=PLAN.notice,
        step=step,
        scheme=CASE.scheme,
        matter=case.matter,
        channel=Channel.EMAIL,
        facts={
            "charge_id": case.matter,
            "charged_on": "2025-07-15",
            "premium": 3000,
            "other_fees": 230,
            "total": 3230,
            "deadline": str(day),
        },
        useful_until=day,
    )
    return PlannedNotice(case=case, plan=PLAN, step=step, outcome=Send(draft=draft))


def test_charges_of_a_member_are_one_message_that_the_first_deadline_leads() -> None:
    later, sooner = _planned(1, "8/20", "before_7"), _planned(2, "8/14", "before_1")
    [message] = messages_of([later, sooner], NOTICES)
    assert isinstance(message.outcome, Send)
    assert message.case.matter == "C-2"
    assert [c["charge_id"] for c in charges_of(message.outcome.draft.facts)] == ["C-2", "C-1"]
    total = next(s for s in message.outcome.draft.shown if s.name == "sum")
    assert (total.role, total.yen) == (AmountRole.DUE, 6460)
    rest = message.without_first()
    assert rest is not None
    assert rest.case.matter == "C-1"
    assert rest.without_first() is None


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("of another member", {"member_id": 2}),
        ("in another scheme", {"scheme": "income"}),
        ("from another source", {"source": "other.example.jp"}),
        ("no charge", {"kind": CaseKind.RENEWAL}),
    ],
)
def test_what_stands_in_a_message_of_its_own(what: str, more: dict[str, object]) -> None:
    both = [_planned(1, "8/14", "before_1"), _planned(2, "8/14", "before_1", **more)]
    assert len(messages_of(both, NOTICES)) == 2, what


def test_what_is_held_stands_alone() -> None:
    fine, held = _planned(1, "8/14", "before_1"), _planned(2, "8/14", "before_1")
    hold = Hold(draft=held.outcome.draft, reason=Reason.NO_ADDRESS)
    made = messages_of([fine, replace(held, outcome=hold)], NOTICES)
    assert sorted(len(m.notices) for m in made) == [1, 1]


def test_a_notice_that_is_never_told_together_stands_alone() -> None:
    both = [_planned(1, "8/14", "before_1"), _planned(2, "8/14", "before_1")]
    assert len(messages_of(both, {PLAN.notice: notice(PLAN.notice)})) == 2
