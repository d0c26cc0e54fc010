"""Days of a closure as people write them."""

from datetime import date

import pytest

from notifier.intake.closure_file import closure
from notifier.model.errors import BadInput


@pytest.mark.parametrize("text", ["2025-08-13", "2025/8/13", "2025/08/13"])
def test_days_are_read(text: str) -> None:
    assert closure((), first=text).first == date(2025, 8, 13)


@pytest.mark.parametrize(
    "text",
    ["9" * 30, "2025-08-" + "9" * 30, "9999-12-31", "0001-01-01", "2025-02-30", "20250813",
     "２０２５-08-13", "2025-08", "2025-8-13-1", "-1-1-1", "\u0000"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["first", "last"])
def test_what_is_no_day_of_ours_is_named(field: str, text: str) -> None:
    with pytest.raises(BadInput) as problem:
        closure((), **({"first": "2025-08-01"} | {field: text}))
    assert [(e.field, e.code) for e in problem.value.errors] == [(field, "bad_date")]
