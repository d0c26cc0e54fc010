"""A scheme, a member and events, with what a test does not care about filled in."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from notifier.intake.envelope import parse_event
from notifier.model.event import Event
from notifier.model.member import Enrolment, Member, PostalAddress
from notifier.model.money import LineKind
from notifier.model.notice import Notice
from notifier.model.scheme import Brand, Contact, Fee, Scheme
from notifier.rendering.writer import Writer

TEMPLATES = Path(__file__).parent.parent / "templates"
LOCALES = TEMPLATES.parent / "locales"
WRITER = Writer(TEMPLATES, LOCALES)
NOTICES: Mapping[str, Notice] = WRITER.notices
#: As the writer compiled them: that takes a second, so tests share them.
PHRASES = {name: WRITER._wordings["ja", name].phrases for name in NOTICES}
SOURCE = "billing.example.jp"
NOW = datetime(2025, 7, 16, 1, 0, tzinfo=UTC)
_numbers = count(1)

_CONTACT = Contact(name="なぎさ保険サービス", phone="0120-000-000", hours="平日 9:00〜17:00")
BRAND = Brand(
    valid_from=date(2024, 4, 1),
    association="みなと職能協会",
    insurer="なぎさ損害保険",
    sender_name="みなと職能協会 保険係",
    sender_address="hoken@example.jp",
    reply_to="toiawase@example.jp",
    colour="#1f4e79",
    agency=_CONTACT,
    desk=_CONTACT,
    login_url="https://member.example.jp/login",
    guide_url="https://member.example.jp/guide",
    allowed_domains=("example.jp", "member.example.jp"),
    signatory="みなと職能協会 会長 海野 渚",
)
SCHEME = Scheme(
    scheme="group-liability",
    name="団体賠償責任保険制度",
    group_no="G-0001",
    fees=(Fee(kind=LineKind.OPERATING_FEE, yen=200, valid_from=date(2024, 4, 1)),),
    brands=(BRAND,),
)
ADDRESS = PostalAddress(
    postcode="1000001", prefecture="東京都", city="千代田区", street="千代田9-9-9"
)


def member(number: str = "M0001", **more: Any) -> Member:
    """A member with mail and postal address, in the scheme with two policies."""
    known: dict[str, Any] = {
        "member_id": 0,
        "member_no": number,
        "name": "潮田 凪",
        "kana": "シオタ ナギ",
        "email": f"{number.lower()}@member.example.jp",
        "address": ADDRESS,
        "enrolments": (Enrolment(scheme=SCHEME.scheme, policies=("P-1", "P-2")),),
    }
    return Member(**(known | more))


def amounts(premium: int = 3030, fee: int = 200, total: int | None = None) -> dict[str, Any]:
    """Lines and total of a charge."""
    lines = [
        {"kind": "premium", "amount": premium},
        {"kind": "operating_fee", "amount": fee},
    ]
    return {"lines": lines, "total": premium + fee if total is None else total}


def cloud(kind: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A CloudEvents object; ``id`` is a fresh one unless given."""
    return {
        "specversion": "1.0",
        "id": f"e{next(_numbers)}",
        "source": SOURCE,
        "type": kind,
        "time": "2025-07-15T10:00:00+09:00",
        **more,
        "data": dict(data),
    }


def event(kind: str, data: Mapping[str, Any], **more: Any) -> Event:
    """A parsed event."""
    return parse_event(cloud(kind, data, **more))


def charge(number: str = "M0001", **more: Any) -> dict[str, Any]:
    """What most events about a charge have in common."""
    return {
        "member_no": number,
        "charge_id": f"C-{number}",
        "scheme": SCHEME.scheme,
        "charged_on": "2025-07-15",
        **more,
    }


def submitted(number: str = "M0001", fee: int = 200, **more: Any) -> Event:
    """``billing.charge.submitted``."""
    data = charge(number, amounts=amounts(fee=fee))
    return event("billing.charge.submitted", data, **more)


def charge_failed(
    number: str = "M0001", *, fee: int = 200, codes: tuple[str, ...] = ("G02",), **more: Any
) -> Event:
    """``billing.card.charge_failed`` with a deadline of 8/14."""
    data = charge(
        number,
        amounts=amounts(fee=fee),
        gateway="gmo",
        codes=list(codes),
        deadline="2025-08-14",
        recharge_on="2025-08-15",
    )
    return event("billing.card.charge_failed", data | more.pop("data", {}), **more)


def settled(number: str = "M0001", settled_on: str = "2025-08-15", **more: Any) -> Event:
    """``billing.charge.settled``."""
    data = {
        "member_no": number,
        "charge_id": f"C-{number}",
        "settled_on": settled_on,
        "amount": 3230,
        **more.pop("data", {}),
    }
    return event("billing.charge.settled", data, **{"time": f"{settled_on}T18:00:00+09:00", **more})


def overcharged(number: str = "M0001", **more: Any) -> Event:
    """``billing.charge.overcharged``: 400 円 for 200 円."""
    data = charge(
        number,
        charged=amounts(fee=400),
        correct=amounts(fee=200),
        difference=200,
        remedy="card_credit",
    )
    return event("billing.charge.overcharged", data | more.pop("data", {}), **more)
