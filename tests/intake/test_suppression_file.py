"""Suppressed addresses as a file: read, refused, written and read again."""

import pytest

from notifier.intake.suppression_file import read_suppressions, written
from notifier.model.errors import BadInput
from notifier.model.suppression import KnownSuppression, SuppressionReason
from notifier.model.tracking import BounceReason
from tests.samples import NOW


def test_columns_in_either_language() -> None:
    text = (
        "メールアドレス,理由,期限,備考\n"
        "Nagisa@Example.JP,complaint,2025-12-31,電話で\n"
        "a..b.@docomo.example.jp,,,\n"
    )
    first, second = read_suppressions(text.encode("cp932"), now=NOW)
    assert (first.address, first.reason) == ("nagisa@example.jp", SuppressionReason.COMPLAINT)
    assert (first.note, first.until and first.until.isoformat()) == (
        "電話で",
        "2026-01-01T00:00:00+09:00",
    )
    assert (second.address, second.reason, second.until) == (
        "a..b.@docomo.example.jp",
        SuppressionReason.IMPORTED,
        None,
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("reason\nhard_bounce\n", [(1, "email", "missing_column")]),
        ("email\n", [(None, "file", "no_rows")]),
        ("email\nnobody\n", [(2, "email", "bad_email")]),
        ("email,reason\na@example.jp,because\n", [(2, "reason", "not_allowed")]),
        ("email,until\na@example.jp,2025-07-15\n", [(2, "until", "bad_date")]),
        ("email,note\na@example.jp,a\x07b\n", [(2, "note", "control_character")]),
    ],
)
def test_files_that_are_wrong(text: str, wrong: list[tuple[int | None, str, str]]) -> None:
    with pytest.raises(BadInput) as caught:
        read_suppressions(text.encode(), now=NOW)
    assert [(e.line, e.field, e.code) for e in caught.value.errors] == wrong


def test_what_is_written_can_be_read_and_holds_no_formula() -> None:
    known = KnownSuppression(
        suppression_id=1,
        address="=cmd@example.jp",
        reason=SuppressionReason.HARD_BOUNCE,
        detail=BounceReason.USER_UNKNOWN,
        score=2,
        since=NOW,
        until=NOW.replace(year=2026),
        message_id=7,
        return_id=None,
        set_by="system:track",
        note="+1",
        lifted_at=None,
        lifted_by=None,
        lift_note=None,
    )
    data = written([known])
    assert b"'=cmd@example.jp" in data
    [again] = read_suppressions(data, now=NOW)
    assert (again.address, again.reason) == ("=cmd@example.jp", SuppressionReason.HARD_BOUNCE)
    assert again.note == "+1"
