"""Traffic: what the billing system of the run tells.

Every charge and refund is a matter of its own; failed charges of one member that meet before they
leave are told in one message.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from tests.samples import amounts, charge, cloud

_LETTER_EVERY: Final = 50  # events, after which one comes about a member without an address of mail
_HELD_EVERY: Final = 200  # events, after which one comes that only a person can settle
LETTERS: Final = 200  # members without an address of mail
_DEADLINE: Final = timedelta(days=60)  # beyond the run, however fast its time goes

Json = dict[str, Any]


class Way(StrEnum):
    """How an event comes in."""

    HTTP = "http"
    STREAM = "stream"


class Traffic:
    """Events for members ``M000000`` …, dated at the beginning of the run.

    Two of five make a refund notice (uncertain: a person is asked), the others a card error
    (uncertain: sent again by its policy); after every 200th comes one that is held, with an
    alert to staff. After every 50th comes a letter.
    """

    def __init__(self, *, people: int, began: datetime) -> None:
        self._people = people
        self._time = began.isoformat()
        self._today = date.fromisoformat(self._time[:10])

    def wave(self, numbers: range) -> dict[Way, list[Json]]:
        """The events of some numbers by their way in, each number a mail, with what is held."""
        found: dict[Way, list[Json]] = {way: [] for way in Way}
        for n in numbers:
            way = Way.STREAM if n % 2 else Way.HTTP
            found[way].append(self._refund(n) if n % 5 in (0, 1) else self._failed(n, "G02"))
            if n % _HELD_EVERY == _HELD_EVERY // 2:
                found[way].append(self._failed(n, f"Z{n}", held=True))
            if n % _LETTER_EVERY == _LETTER_EVERY // 2:
                found[way].append(self._refund(n, "letter", by_post(n)))
        return found

    def _member(self, n: int) -> str:
        return number(n % self._people)

    def _failed(self, n: int, code: str, *, held: bool = False) -> Json:
        key = f"held-{n}" if held else f"card-{n}"
        data = charge(
            self._member(n),
            charge_id=key,
            charged_on=str(self._today - timedelta(days=1)),
            amounts=amounts(premium=3000 + n % 1000),
            gateway="gmo",
            codes=[code],
            deadline=str(self._today + _DEADLINE),
            recharge_on=str(self._today + _DEADLINE + timedelta(days=1)),
        )
        return cloud("billing.card.charge_failed", data, id=key, time=self._time)

    def _refund(self, n: int, kind: str = "refund", to: str = "") -> Json:
        key = f"{kind}-{n}"
        data = {
            "member_no": to or self._member(n),
            "refund_id": key,
            "charge_id": key,
            "scheme": charge()["scheme"],
            "amount": 1000 + n % 1000,
            "reason": "cancellation",
            "method": "bank_transfer",
            "pay_on": str(self._today + _DEADLINE),
        }
        return cloud("billing.refund.decided", data, id=key, time=self._time)


def by_post(n: int) -> str:
    """The number of a member who is written to by letter."""
    return f"L{n % LETTERS:06d}"


def number(n: int) -> str:
    """The number of the ``n``-th member."""
    return f"M{n:06d}"
