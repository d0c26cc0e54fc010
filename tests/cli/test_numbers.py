"""Numbers are taken in every form in which they are shown."""

import pytest

from notifier.model.numbers import number_of

FORMS = {
    "message": [
        "M000000012", "m12", "12", " 12 ", "#12", "１２", "Ｍ００００００００１２",
        "通知 M000000012",
        "M000000012。", "message #12",
    ],
    "batch": [
        "B000012", "b12", "12", "Ｂ００００１２", "ロット B000012", "B000012-001.pdf", "B000012-2",
        "var/batches/B000012/", "/srv/press/B000012-2", "B000012-withdrawn.csv",
    ],
    "case": ["12", "#12", "案件12", "case 12", "＃１２"],
    "task": ["12", "#12", "タスク12", "タスク 12", "task 12", "0012"],
}  # fmt: skip
OTHERS = {
    "message": ["", "M", "x", "-1", "B12", "12a", "1.5", "M1234567890123456", "12-001.pdf"],
    "batch": ["", "M12", "B", "B000012-x.pdf", "-12"],
    "case": ["", "x", "M12", "99999999999999999999"],
    "task": ["", "x", "T12", "--12"],
}


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, some in FORMS.items() for t in some])
def test_every_form_names_the_record(kind: str, text: str) -> None:
    assert number_of(kind, text) == 12


def test_numbers_with_separators() -> None:
    assert number_of("message", "12,345") == 12345


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, some in OTHERS.items() for t in some])
def test_nothing_else_is_a_number(kind: str, text: str) -> None:
    assert number_of(kind, text) is None
