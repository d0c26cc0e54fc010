"""The incident as its billing side told it: what happened on which day, as events.

A doubled operating fee (400 円 for 200 円) was charged to 1,860 members on 2025-07-15; six of the
charges failed, seven corrections failed, three members had paid twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final

from notifier.model.member import Member
from notifier.rules.calendar import JAPAN

from .members import SCHEME, premium

SOURCE: Final = "billing.example.jp"
FEE, WRONG_FEE = 200, 400
CHARGED_ON: Final = date(2025, 7, 15)
DEADLINE, RECHARGE_ON = date(2025, 8, 14), date(2025, 8, 15)

#: What the gateway said about the six: GMO codes of all three categories.
_CODES: Final = ("42G830000", "42G020000", "42G120000", "42G040000", "42G650000", "42G550000")
_EXPLANATION: Final = {
    "cause": "ご契約の確定時に、制度運営費を証券番号の数だけ重ねて計上する誤りがありました。",
    "prevention": "請求データを送信する前に、登録された金額と一件ずつ照合する手順を設けました。",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who is who among the members. Nobody is in two roles."""

    everyone: tuple[Member, ...]
    failed: tuple[Member, ...]  # 6 whose charge failed
    uncorrected: tuple[Member, ...]  # 7 whose correction failed
    again: tuple[Member, ...]  # 4 of these 7, for whom it failed again and again
    excluded: tuple[Member, ...]  # 4 whom the mass mail left out
    doubled: tuple[Member, ...]  # 3 who paid twice
    leaked: tuple[Member, ...]  # 46 whose data leaked


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A moment of the incident and the events that billing emits at it."""

    at: datetime
    title: str
    intake: str  # http, stream or file
    events: tuple[Json, ...] = ()
    tags: frozenset[str] = field(default_factory=frozenset)


def cast(members: Sequence[Member]) -> Cast:
    """Give the roles. Five of the six can be reached by mail, one only by letter."""
    mail = [m for m in members if m.email]
    post = [m for m in members if not m.email]
    return Cast(
        everyone=tuple(members),
        failed=(*mail[:5], post[0]),
        uncorrected=tuple(mail[100:107]),
        again=tuple(mail[100:104]),
        excluded=tuple(mail[300:304]),
        doubled=tuple(mail[200:203]),
        leaked=tuple(mail[500:546]),
    )


def overcharged_members(who: Cast) -> tuple[Member, ...]:
    """1,843 = 1,860 − 6 (charge failed) − 7 (correction failed) − 4 (left out)."""
    others = {m.member_no for m in (*who.failed, *who.uncorrected, *who.excluded)}
    return tuple(m for m in who.everyone if m.member_no not in others)


def charge_id(member: Member) -> str:
    """The charge of July."""
    return f"C202507-{member.member_no}"


def amounts(member: Member, fee: int) -> Json:
    """Lines and total of a charge. The sum is right even when the fee is wrong."""
    return {
        "lines": [
            {"kind": "premium", "amount": premium(member)},
            {"kind": "operating_fee", "amount": fee},
        ],
        "total": premium(member) + fee,
    }


def _at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(date(2025, month, day), time(hour, minute), JAPAN)


def _event(kind: str, key: str, at: datetime, data: Mapping[str, Any], **more: str) -> Json:
    return {
        "specversion": "1.0",
        "id": key,
        "source": SOURCE,
        "type": kind,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        **more,
        "data": dict(data),
    }


def _charge(member: Member) -> Json:
    return {
        "member_no": member.member_no,
        "charge_id": charge_id(member),
        "scheme": SCHEME,
        "charged_on": CHARGED_ON.isoformat(),
    }


def _submitted(who: Sequence[Member], at: datetime, fee: int, run: str) -> Iterator[Json]:
    for m in who:
        data = {**_charge(m), "amounts": amounts(m, fee)}
        yield _event("billing.charge.submitted", f"{run}-{m.member_no}", at, data)


def _failed(who: Sequence[Member], at: datetime, fee: int, run: str) -> Iterator[Json]:
    for m, code in zip(who, _CODES, strict=True):
        data = {
            **_charge(m),
            "amounts": amounts(m, fee),
            "gateway": "gmo",
            "codes": [code],
            "deadline": DEADLINE.isoformat(),
            "recharge_on": RECHARGE_ON.isoformat(),
        }
        corrects = {"supersedes": f"failed-{m.member_no}"} if run != "failed" else {}
        yield _event("billing.card.charge_failed", f"{run}-{m.member_no}", at, data, **corrects)


def _wrong_and_right(member: Member) -> Json:
    return {
        **_charge(member),
        "charged": amounts(member, WRONG_FEE),
        "correct": amounts(member, FEE),
        "difference": WRONG_FEE - FEE,
        "explanation": _EXPLANATION,
    }


def _uncorrected(
    who: Sequence[Member], at: datetime, attempted: date, then: tuple[date, date] | None
) -> Iterator[Json]:
    for m in who:
        data = {**_wrong_and_right(m), "attempted_on": attempted.isoformat()}
        if then:
            data |= {"next_attempt_on": then[0].isoformat(), "deadline": then[1].isoformat()}
        key = f"uncorrected-{attempted:%m%d}-{m.member_no}"
        yield _event("billing.charge.correction_failed", key, at, data)


def _overcharged(who: Sequence[Member], at: datetime, exposure: str) -> Iterator[Json]:
    for m in who:
        data = {**_wrong_and_right(m), "exposure": exposure}
        if exposure == "charged":
            data |= {"remedy": "card_credit", "remedy_on": "2025-08-27"}
        key = f"overcharged-{m.member_no}"
        yield _event("billing.charge.overcharged", key, at, data)


def _doubled(who: Sequence[Member], at: datetime) -> Iterator[Json]:
    for m in who:
        due = amounts(m, FEE)
        data = {
            **_charge(m),
            "duplicate_charge_id": f"B202507-{m.member_no}",
            "duplicated_on": "2025-07-28",
            "duplicate_method": "bank_transfer",
            "amounts": due,
            "refund": due["total"],
            "remedy": "bank_transfer",
            "remedy_on": "2025-08-22",
        }
        yield _event("billing.charge.duplicated", f"doubled-{m.member_no}", at, data)


def _settled(who: Sequence[Member], at: datetime) -> Iterator[Json]:
    for m in who:
        data = {
            "member_no": m.member_no,
            "charge_id": charge_id(m),
            "settled_on": at.date().isoformat(),
            "amount": premium(m) + FEE,
        }
        yield _event("billing.charge.settled", f"settled-{m.member_no}", at, data)


def _reregistered(who: Sequence[Member], at: datetime) -> Iterator[Json]:
    for m in who:
        data = {"member_no": m.member_no, "scheme": SCHEME, "charge_id": charge_id(m)}
        yield _event("billing.card.reregistered", f"reregistered-{m.member_no}", at, data)


def _refunds(who: Sequence[Member], at: datetime, *, done: bool) -> Iterator[Json]:
    for m in who:
        data: Json = {
            "member_no": m.member_no,
            "refund_id": f"R-{charge_id(m)}",
            "amount": WRONG_FEE - FEE,
        }
        if done:
            data |= {"completed_on": at.date().isoformat()}
        else:
            data |= {
                "charge_id": charge_id(m),
                "scheme": SCHEME,
                "reason": "overcharge",
                "method": "bank_transfer",
                "pay_on": "2025-08-29",
            }
        kind = "completed" if done else "decided"
        yield _event(f"billing.refund.{kind}", f"refund-{kind}-{m.member_no}", at, data)


def _day(at: datetime, title: str, intake: str, *events: Iterator[Json], tag: str = "") -> Day:
    found = tuple(e for given in events for e in given)
    return Day(at=at, title=title, intake=intake, events=found, tags=frozenset({tag} - {""}))


def guarded(who: Cast) -> list[Day]:
    """Act one: the register says 200 円, and the guard compares."""
    seven, four = who.uncorrected, who.again
    rest = [m for m in who.everyone if m not in who.failed]

    noon = _at(7, 15, 10)
    fixed, seen, told = _at(7, 25, 9), _at(7, 16, 9), _at(8, 7, 8, 30)
    first, second, paid = _at(8, 12, 10), _at(8, 20, 10), _at(8, 29, 15)
    return [
        _day(noon, "1,860 charges submitted, fee doubled", "stream",
            _submitted(who.everyone, noon, WRONG_FEE, "submitted")),
        _day(_at(7, 15, 15), "6 charges failed, events with the wrong fee", "http",
            _failed(who.failed, _at(7, 15, 15), WRONG_FEE, "failed")),
        _day(seen, "the 6 events corrected", "http", _failed(who.failed, seen, FEE, "corrected")),
        _day(fixed, "1,854 corrected charges submitted", "stream",
            _submitted(rest, fixed, FEE, "resubmitted")),
        _day(_at(7, 30, 10), "3 double payments found", "http",
            _doubled(who.doubled, _at(7, 30, 10))),
        _day(_at(8, 1, 10), "2 of the 6 register a new card", "http",
            _reregistered(who.failed[:2], _at(8, 1, 10))),
        _day(told, "apologies to 13: the 6, and the 7 not corrected on 7/25", "file",
            _overcharged(who.failed, told, "displayed"),
            _uncorrected(seven, told, date(2025, 7, 25), (date(2025, 8, 12), date(2025, 8, 11)))),
        _day(_at(8, 8, 9), "reminders (8/11 is a holiday); 46 letters about a leak", "none",
            tag="leak"),
        _day(first, "4 corrections fail again, 3 succeed", "http",
            _uncorrected(four, first, date(2025, 8, 12), (date(2025, 8, 20), date(2025, 8, 19))),
            _settled(seven[len(four):], first)),
        _day(_at(8, 13, 9), "last reminder before the deadline of 8/14", "none"),
        _day(_at(8, 15, 18), "the 6 are charged rightly", "http",
            _settled(who.failed, _at(8, 15, 18))),
        _day(_at(8, 18, 9), "last reminder before the deadline of 8/19", "none"),
        _day(second, "4 corrections fail once more; refunds decided", "http",
            _uncorrected(four, second, date(2025, 8, 20), None),
            _refunds(four, _at(8, 20, 11), done=False)),
        _day(paid, "4 refunds paid", "http", _refunds(four, paid, done=True)),
    ]  # fmt: skip


def unguarded(who: Cast) -> list[Day]:
    """Act two: the register itself says 400 円, so that nothing contradicts; put right later."""

    noon, told, mass = _at(7, 15, 10), _at(8, 7, 8, 30), _at(7, 28, 10, 30)
    return [
        _day(noon, "1,860 charges submitted, nothing contradicts", "stream",
            _submitted(who.everyone, noon, WRONG_FEE, "submitted")),
        _day(_at(7, 15, 15), "6 charges failed: notices with 400 円 go out", "http",
            _failed(who.failed, _at(7, 15, 15), WRONG_FEE, "failed")),
        _day(_at(7, 24, 19), "the register is put right", "none", tag="fee_corrected"),
        _day(mass, "1,843 apologies for the overcharge", "stream",
            _overcharged(overcharged_members(who), mass, "charged")),
        _day(told, "apologies to the 6 who were shown 400 円", "http",
            _overcharged(who.failed, told, "displayed"),
            _failed(who.failed, told, FEE, "corrected")),
        _day(_at(8, 8, 9), "the right notices, a day after the apologies", "none"),
    ]  # fmt: skip
