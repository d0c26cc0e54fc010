"""Example events of every type, about the example members, with dates around a given day."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from notifier.rules.calendar import JAPAN, japan_date

SOURCE: Final = "billing.example.jp"
SCHEME: Final = "group-liability"
#: What the first day shows: three mails, a letter, and an alert about a fee that is not registered.
FIRST_DAY: Final = (
    "billing.charge.submitted",
    "billing.card.charge_failed",
    "billing.charge.overcharged",
    "billing.charge.duplicated",
    "billing.refund.decided",
)
_EXPLANATION: Final = {
    "cause": "契約内容を確定する処理で、制度運営費を証券番号の数だけ重ねて計上していました。",
    "prevention": "請求データを送る前に、登録された制度運営費と1件ずつ照合します。",
}


def example_events(now: datetime, only: str = "") -> list[dict[str, Any]]:
    """Return CloudEvents of the first day, or the ones of a single type.

    Raises ``KeyError`` for a type that there is no example of.
    """
    made = _data(japan_date(now))
    wanted = [only] if only else FIRST_DAY
    return [_event(kind, n, data, now) for kind in wanted for n, data in enumerate(made[kind], 1)]


def _event(kind: str, number: int, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    here = now.astimezone(JAPAN)
    return {
        "specversion": "1.0",
        "id": f"{kind.removeprefix('billing.').replace('.', '-')}-{here:%Y%m%d}-{number}",
        "source": SOURCE,
        "type": kind,
        "time": here.isoformat(timespec="seconds"),
        "data": data,
    }


def _data(today: date) -> dict[str, list[dict[str, Any]]]:
    """Return the data of the examples by type."""
    charged = _day(today, -1)
    return {
        "billing.charge.submitted": [
            _charge("M000101", today, charged_on=charged, amounts=_amounts()),
            _charge("M000102", today, charged_on=charged, amounts=_amounts(fee=400)),
            _charge("M000103", today, charged_on=charged, amounts=_amounts()),
        ],
        **_failures(today, charged),
        **_apologies(today, charged),
        **_refunds(today),
        **_members(today),
    }


def _failures(today: date, charged: str) -> dict[str, list[dict[str, Any]]]:
    member = "M000101"
    return {
        "billing.card.charge_failed": [
            _charge(member, today, charged_on=charged, amounts=_amounts(), gateway="gmo",
                    codes=["G02", "42G020000"], card_expiry=f"{today.year + 2}-03",
                    deadline=_day(today, 29), recharge_on=_day(today, 30)),
        ],
        "billing.card.reregistered": [_charge(member, today)],
        "billing.charge.settled": [
            {"member_no": member, "charge_id": _id("C", member, today), "amount": 3230,
             "settled_on": _day(today, 0), "method": "card"},
        ],
        "billing.charge.direct_collection_decided": [
            _charge(member, today, charged_on=_day(today, -34), amounts=_amounts(),
                    deadline=_day(today, -4), recharged_on=_day(today, -3),
                    decided_on=_day(today, 0), contact_by=_day(today, 11)),
        ],
    }  # fmt: skip


def _apologies(today: date, charged: str) -> dict[str, list[dict[str, Any]]]:
    wrong = {"charged_on": charged, "charged": _amounts(fee=400), "correct": _amounts()}
    return {
        "billing.charge.overcharged": [
            _charge("M000102", today, **wrong, difference=200, remedy="card_credit",
                    remedy_on=_day(today, 30), explanation=_EXPLANATION),
        ],
        "billing.charge.correction_failed": [
            _charge("M000102", today, **wrong, difference=200, attempted_on=_day(today, 0),
                    next_attempt_on=_day(today, 18), deadline=_day(today, 14)),
        ],
        "billing.charge.duplicated": [
            _charge("M000103", today, charged_on=charged, amounts=_amounts(), refund=3230,
                    duplicate_charge_id=_id("B", "M000103", today), duplicated_on=_day(today, 0),
                    duplicate_method="bank_transfer", remedy="bank_transfer",
                    remedy_on=_day(today, 21), explanation=_EXPLANATION),
        ],
    }  # fmt: skip


def _refunds(today: date) -> dict[str, list[dict[str, Any]]]:
    refund = _id("R", "M000102", today)
    earlier = _id("C", "M000102", today - timedelta(days=31))
    return {
        "billing.refund.decided": [
            {"member_no": "M000102", "refund_id": refund, "charge_id": earlier, "scheme": SCHEME,
             "amount": 3030, "reason": "cancellation", "method": "bank_transfer",
             "pay_on": _day(today, 30)},
        ],
        "billing.refund.completed": [
            {"member_no": "M000102", "refund_id": refund, "amount": 3030,
             "completed_on": _day(today, 0)},
        ],
    }  # fmt: skip


def _members(today: date) -> dict[str, list[dict[str, Any]]]:
    ends = _day(today, 60)
    return {
        "member.updated": [{"member_no": "M000101", "name": "青柳 遥", "phone": "03-0000-0002"}],
        "member.left": [{"member_no": "M000103", "left_on": _day(today, 0)}],
        "scheme.renewal_due": [
            {"member_no": "M000101", "scheme": SCHEME, "policies": ["P-0000101-1"],
             "ends_on": ends, "renews_until": _day(today, 425), "first_charge_on": _day(today, 77),
             "amounts": _amounts(premium=36_360)},
        ],
    }  # fmt: skip


def _charge(member: str, today: date, **more: Any) -> dict[str, Any]:
    charge_id = _id("C", member, today)
    return {"member_no": member, "charge_id": charge_id, "scheme": SCHEME, **more}


def _amounts(*, premium: int = 3030, fee: int = 200) -> dict[str, Any]:
    lines = [{"kind": "premium", "amount": premium}, {"kind": "operating_fee", "amount": fee}]
    return {"lines": lines, "total": premium + fee}


def _id(kind: str, member: str, today: date) -> str:
    return f"{kind}-{today:%Y%m}-{member}"


def _day(today: date, later: int) -> str:
    return (today + timedelta(days=later)).isoformat()
