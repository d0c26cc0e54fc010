"""Postage at the edges of steps, days and numbers of pieces."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.errors import BadInput, NotFound
from notifier.postal.postage import Form, Piece, postage, read_tariffs, tariffs, total, weight

OLD, LAST_OLD, NEW = date(2019, 10, 1), date(2024, 9, 30), date(2024, 10, 1)
REGULAR, LARGE = Form.REGULAR, Form.LARGE

EDGES = [
    (OLD, REGULAR, 0.1, 84),
    (OLD, REGULAR, 25, 84),
    (OLD, REGULAR, 25.01, 94),
    (LAST_OLD, REGULAR, 50, 94),
    (NEW, REGULAR, 25, 110),
    (NEW, REGULAR, 50, 110),
    (date(2025, 7, 28), REGULAR, 50, 110),
    (LAST_OLD, LARGE, 50, 120),
    (LAST_OLD, LARGE, 50.01, 140),
    (LAST_OLD, LARGE, 150, 210),
    (LAST_OLD, LARGE, 250, 250),
    (LAST_OLD, LARGE, 500, 390),
    (LAST_OLD, LARGE, 1000, 580),
    (NEW, LARGE, 50, 140),
    (NEW, LARGE, 100, 180),
    (NEW, LARGE, 100.01, 270),
    (NEW, LARGE, 150, 270),
    (NEW, LARGE, 250, 320),
    (NEW, LARGE, 500, 510),
    (NEW, LARGE, 1000, 750),
]


@pytest.mark.parametrize(("day", "form", "grams", "yen"), EDGES)
def test_steps_and_days(day: date, form: Form, grams: float, yen: int) -> None:
    assert postage(day, grams, form) == yen


@pytest.mark.parametrize(
    ("form", "grams", "code"),
    [
        (REGULAR, 50.01, "too_big"),
        (LARGE, 1000.5, "too_big"),
        (REGULAR, -1, "negative"),
        (REGULAR, float("nan"), "bad_number"),
        (REGULAR, float("inf"), "bad_number"),
    ],
)
def test_a_weight_that_cannot_be_is_named(form: Form, grams: float, code: str) -> None:
    with pytest.raises(BadInput, match=f"grams: {code}"):
        postage(NEW, grams, form)


def test_before_the_first_tariff_nothing_is_known() -> None:
    with pytest.raises(NotFound, match="2019-09-30"):
        postage(date(2019, 9, 30), 10)


def test_letters_weigh_what_their_paper_weighs() -> None:
    assert weight(1) == pytest.approx(5.5 + 3.992, abs=0.001)
    assert weight(3, paper=80, envelope=0) == pytest.approx(14.969, abs=0.001)
    # The last letter that goes for 110 yen on each paper, and the first that does not.
    assert weight(11) <= 50 < weight(12)
    assert weight(8, paper=80) <= 50 < weight(9, paper=80)
    assert weight(20, LARGE, paper=80) <= 150


def test_paper_that_cannot_be_is_named() -> None:
    with pytest.raises(BadInput, match="paper: negative"):
        weight(1, paper=-64)
    with pytest.raises(BadInput, match="envelope: bad_number"):
        weight(1, envelope=float("nan"))
    with pytest.raises(BadInput, match="sheets: negative"):
        weight(-1)


def test_the_discount_begins_with_a_thousand_alike() -> None:
    letter = Piece(weight(2), REGULAR)
    assert total(NEW, [letter] * 999) == 999 * 110
    assert total(NEW, [letter] * 1000) == 106_700
    assert total(NEW, [letter] * 1000, barcode=False) == 110_000
    assert total(LAST_OLD, [letter] * 1001) == 81_562  # 81,561.48 rounded up


@pytest.mark.parametrize(
    ("day", "yen"),
    [(OLD, 84 + 160), (date(2023, 9, 30), 84 + 160), (date(2023, 10, 1), 84 + 210), (NEW, 320)],
)
def test_recorded_mail_costs_more_and_has_no_discount(day: date, yen: int) -> None:
    assert postage(day, 10, recorded=True) == yen
    letter = Piece(10, REGULAR)
    recorded = Piece(10, REGULAR, recorded=True)
    assert total(day, [recorded] * 1000) == 1000 * yen
    assert total(day, [letter] * 999 + [recorded]) == 999 * postage(day, 10) + yen


def test_other_weights_and_forms_do_not_count_along() -> None:
    light, heavy, large = Piece(10, REGULAR), Piece(20, REGULAR), Piece(20, LARGE)
    assert total(NEW, [light] * 600 + [heavy] * 600) == 1200 * 110
    assert total(NEW, [large] * 2000) == 2000 * 140
    assert total(NEW, [light] * 1000 + [heavy]) == 106_700 + 110
    assert total(NEW, []) == 0


@given(st.floats(0, 1000), st.floats(0, 1000), st.sampled_from([OLD, NEW]))
def test_heavier_never_costs_less(one: float, other: float, day: date) -> None:
    light, heavy = sorted((one, other))
    assert postage(day, light, LARGE) <= postage(day, heavy, LARGE)
    if heavy <= 50:
        assert postage(day, heavy, REGULAR) < postage(day, heavy, LARGE)


TARIFF = """
[[tariffs]]
valid_from = 2030-01-01
recorded = 250
[tariffs.steps]
regular = [{ grams = 50, yen = 120 }]
large = [{ grams = 50, yen = 150 }]
[tariffs.barcode]
pieces = 1000
percent = 3
forms = ["regular"]
"""


def test_tariffs_come_in_order() -> None:
    days = [tariff.valid_from for tariff in tariffs()]
    assert days == sorted(days)
    later = TARIFF.replace("2030", "2031")
    assert [t.valid_from.year for t in read_tariffs(later + TARIFF)] == [2030, 2031]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("", ""), "two tariffs"),
        (("yen = 120 }]", "yen = 120 }, { grams = 40, yen = 130 }]"), "regular"),
        (("yen = 150 }]", "yen = 150 }, { grams = 99, yen = 130 }]"), "large"),
        (("[{ grams = 50, yen = 150 }]", "[]"), "large"),
    ],
)
def test_a_tariff_that_contradicts_itself_is_refused(change: tuple[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_tariffs(TARIFF + TARIFF.replace(*change))
