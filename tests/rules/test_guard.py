"""The amount guard: every role against its own record."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.money import AmountRole, ChargeAmounts, ChargeLine, LineKind
from notifier.model.reasons import Reason
from notifier.model.scheme import Fee, Scheme
from notifier.model.situation import ChargedAmounts, ChargeRecord
from notifier.rules.guard import check_charged, check_difference, check_due, check_refund
from tests.samples import SCHEME

DAY = date(2025, 7, 15)


def charge(*lines: tuple[LineKind, int], total: int | None = None) -> ChargeAmounts:
    made = tuple(ChargeLine(kind=kind, amount=yen) for kind, yen in lines)
    return ChargeAmounts(lines=made, total=sum(y for _, y in lines) if total is None else total)


def usual(fee: int, total: int | None = None) -> ChargeAmounts:
    return charge((LineKind.PREMIUM, 3030), (LineKind.OPERATING_FEE, fee), total=total)


def test_right_charge_passes() -> None:
    assert check_due(SCHEME, DAY, usual(200)) == []


def test_doubled_fee_whose_sum_is_right_is_caught() -> None:
    [found] = check_due(SCHEME, DAY, usual(400, total=3430))
    assert (found.reason, found.what) == (Reason.AMOUNT_CONTRADICTS_FEE, "operating_fee")
    assert (found.expected, found.observed) == (200, 400)


def test_fee_once_for_each_of_two_policies_is_caught() -> None:
    twice = charge(
        (LineKind.PREMIUM, 3030), (LineKind.OPERATING_FEE, 200), (LineKind.OPERATING_FEE, 200)
    )
    [found] = check_due(SCHEME, DAY, twice)
    assert found.observed == 400


def test_missing_fee_line_is_caught() -> None:
    [found] = check_due(SCHEME, DAY, charge((LineKind.PREMIUM, 3030)))
    assert (found.expected, found.observed) == (200, 0)


def test_wrong_sum_is_caught_beside_right_lines() -> None:
    [found] = check_due(SCHEME, DAY, usual(200, total=3430))
    assert (found.reason, found.expected) == (Reason.AMOUNT_SUM_WRONG, 3230)


def test_line_without_registered_fee_is_caught() -> None:
    extra = charge((LineKind.PREMIUM, 1), (LineKind.OPERATING_FEE, 200), (LineKind.OTHER, 50))
    [found] = check_due(SCHEME, DAY, extra)
    assert found.reason is Reason.FEE_NOT_REGISTERED


def test_fee_of_the_day_of_the_charge_counts() -> None:
    fees = (
        Fee(kind=LineKind.OPERATING_FEE, yen=200, valid_from=DAY, valid_to=DAY),
        Fee(kind=LineKind.OPERATING_FEE, yen=250, valid_from=date(2025, 7, 16)),
    )
    scheme = Scheme(scheme="s", name="s", group_no="1", fees=fees)
    assert check_due(scheme, DAY, usual(200)) == []
    assert check_due(scheme, date(2025, 7, 16), usual(250)) == []
    assert check_due(scheme, date(2025, 7, 16), usual(200))
    assert check_due(scheme, date(2025, 7, 14), usual(200))[0].reason is Reason.FEE_NOT_REGISTERED


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 1000), min_size=1, max_size=5),
    st.integers(0, 10**6),
)
def test_passes_only_what_is_registered_and_adds_up(
    premium: int, fees: list[int], total: int
) -> None:
    lines = [(LineKind.PREMIUM, premium), *((LineKind.OPERATING_FEE, f) for f in fees)]
    passes = not check_due(SCHEME, DAY, charge(*lines, total=total))
    assert passes == (sum(fees) == 200 and total == premium + 200)


def test_charged_wrongly_must_have_been_submitted() -> None:
    record = ChargedAmounts(charged_on=DAY, premium=3030, other_fees=400, total=3430)
    on_record = ChargeRecord(charge_id="C", submitted=(record,))
    assert check_charged(on_record, frozenset(), usual(400)) == []
    [found] = check_charged(on_record, frozenset(), usual(500))
    assert found.reason is Reason.AMOUNT_CONTRADICTS_RECORD
    [found] = check_charged(None, frozenset(), usual(400))
    assert found.reason is Reason.CHARGE_NOT_ON_RECORD


def test_charged_wrongly_may_have_been_shown_only() -> None:
    due = {("premium", 3030), ("other_fees", 400), ("total", 3430)}
    as_due = frozenset((AmountRole.DUE, name, yen) for name, yen in due)
    assert check_charged(None, as_due, usual(400)) == []
    as_correct = frozenset((AmountRole.CORRECT, name, yen) for name, yen in due)
    assert check_charged(None, as_correct, usual(400))


def test_an_earlier_submission_still_counts() -> None:
    wrong = ChargedAmounts(charged_on=DAY, premium=3030, other_fees=400, total=3430)
    right = ChargedAmounts(charged_on=DAY, premium=3030, other_fees=200, total=3230)
    charged = ChargeRecord(charge_id="C", submitted=(wrong, right))
    assert check_charged(charged, frozenset(), usual(400)) == []


@pytest.mark.parametrize(("difference", "passes"), [(200, True), (400, False), (0, False)])
def test_difference_is_wrong_minus_right(difference: int, passes: bool) -> None:
    assert (check_difference(usual(400), usual(200), difference) == []) == passes


def test_no_difference_is_no_difference() -> None:
    assert check_difference(usual(200), usual(200), 0)


def test_refund_is_what_is_owed() -> None:
    assert list(check_refund(200, 200)) == []
    assert next(check_refund(200, 400)).reason is Reason.AMOUNT_CONTRADICTS_RECORD
    assert next(check_refund(None, 200)).reason is Reason.CHARGE_NOT_ON_RECORD


def test_the_same_wrong_sum_in_many_charges_has_one_key() -> None:
    one = check_due(SCHEME, DAY, usual(200, total=3430))[0]
    other = check_due(
        SCHEME, DAY, charge((LineKind.PREMIUM, 5000), (LineKind.OPERATING_FEE, 200), total=5400)
    )[0]
    assert one.key == other.key
