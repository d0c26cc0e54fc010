"""The amount guard: no amount that contradicts the record leaves the house.

Each role is checked against its own record: what is due or correct against the scheme's
registered fees and the sum, what was wrongly charged against what was submitted or shown, a
difference against wrong − right, a refund against the decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from notifier.model.money import AmountRole, ChargeAmounts, LineKind
from notifier.model.reasons import Reason
from notifier.model.scheme import Scheme
from notifier.model.situation import ChargeRecord

#: Lines that depend on the member and have no registered amount.
_PERSONAL = frozenset({LineKind.PREMIUM})


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An amount that the record does not bear out; yen."""

    reason: Reason
    what: str  # line kind, ``total``, ``difference`` or ``refund``
    expected: int | None  # None: the record has nothing to compare with
    observed: int

    @property
    def key(self) -> str:
        """The same contradiction in many charges has the same key.

        A wrong sum differs from charge to charge: there the error counts, not the amount.
        """
        if self.reason is Reason.AMOUNT_CONTRADICTS_FEE or self.expected is None:
            return f"{self.what}:{self.expected}:{self.observed}"
        return f"{self.what}:{self.observed - self.expected:+d}"


def check_due(scheme: Scheme, day: date, amounts: ChargeAmounts) -> list[Contradiction]:
    """Check what is due: line by line against the fees registered for ``day``, then the sum.

    A registered fee is due once per scheme, however many policies the lines name.
    """
    found = [c for kind in LineKind if (c := _check_line(scheme, day, amounts, kind))]
    if amounts.total != amounts.lines_total:
        found.append(
            Contradiction(Reason.AMOUNT_SUM_WRONG, "total", amounts.lines_total, amounts.total)
        )
    return found


def _check_line(
    scheme: Scheme, day: date, amounts: ChargeAmounts, kind: LineKind
) -> Contradiction | None:
    observed, fee = amounts.sum_of(kind), scheme.fee_on(kind, day)
    if fee is not None and observed != fee.yen:
        return Contradiction(Reason.AMOUNT_CONTRADICTS_FEE, kind, fee.yen, observed)
    if fee is None and observed and kind not in _PERSONAL:
        return Contradiction(Reason.FEE_NOT_REGISTERED, kind, None, observed)
    return None


def check_charged(
    charge: ChargeRecord | None,
    shown: frozenset[tuple[AmountRole, str, int]],
    amounts: ChargeAmounts,
) -> list[Contradiction]:
    """Check what is said to have been wrongly charged or shown.

    It must equal amounts that were submitted under the charge id, or that a message about the
    charge has shown to the member as due.
    """
    premium = amounts.sum_of(LineKind.PREMIUM)
    other = amounts.sum_of(LineKind.OPERATING_FEE, LineKind.OTHER)
    if amounts.total != premium + other:
        return [Contradiction(Reason.AMOUNT_SUM_WRONG, "total", amounts.lines_total, amounts.total)]
    submitted = charge.submitted if charge else ()
    if any(
        (s.premium, s.other_fees, s.total) == (premium, other, amounts.total) for s in submitted
    ):
        return []
    named = {("premium", premium), ("other_fees", other), ("total", amounts.total)}
    if named <= {(name, yen) for role, name, yen in shown if role is AmountRole.DUE}:
        return []
    if not submitted:
        return [Contradiction(Reason.CHARGE_NOT_ON_RECORD, "total", None, amounts.total)]
    last = submitted[-1].total
    return [Contradiction(Reason.AMOUNT_CONTRADICTS_RECORD, "total", last, amounts.total)]


def check_difference(
    wrong: ChargeAmounts, right: ChargeAmounts, difference: int
) -> list[Contradiction]:
    """A difference is what was wrong minus what is right, and more than nothing."""
    expected = wrong.total - right.total
    if difference == expected and difference > 0:
        return []
    return [Contradiction(Reason.DIFFERENCE_WRONG, "difference", expected, difference)]


def check_refund(expected: int | None, amount: int) -> Iterator[Contradiction]:
    """A refund is what is on record as owed."""
    if expected is None:
        yield Contradiction(Reason.CHARGE_NOT_ON_RECORD, "refund", None, amount)
    elif expected != amount:
        yield Contradiction(Reason.AMOUNT_CONTRADICTS_RECORD, "refund", expected, amount)
