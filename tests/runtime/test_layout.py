"""Lists in terminals of any width: nothing wider than it, and no word cut."""

import pytest
from rich.cells import cell_len

from notifier.runtime.layout import Column, facts, table, wrapped

_SHA = "f9c29987e17183ed46b1240ac478e62332745dc87aa3d6ccda71058b2b70637b"
_MESSAGES = {
    "通知番号": ("M000000111", "M000000112", "M123456789"),
    "宛先": ("M000107", "umino", "M000000000000108"),
    "通知": ("refund/completed", "card_error/first", "reregistration_deadline/before_3"),
    "経路": ("電子メール", "手紙", "電子メール"),
    "状態": ("送信済み", "確認待ち", "不達"),
    "作成日時": ("2025-08-29 15:00", "2025-08-29 15:01", "2025-08-30 09:00"),
    "理由": (
        "中継サーバーが受理",
        "金額が登録済みの費用と一致しません（3,430円、9,999円）",
        "550 5.1.1 <a.very.long.address@example.jp>: Recipient address rejected",
    ),
    "空": ("", "", ""),
    "試行": ("1", "", "12"),
    "SHA-256": (_SHA, "", _SHA),
}
_COLUMNS = [Column(name, cells, right=name == "試行") for name, cells in _MESSAGES.items()]


def _plain(columns: list[Column], width: int | None) -> list[str]:
    return [line.plain for line in table(columns, width)]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(width: int) -> None:
    lines = _plain(_COLUMNS, width)
    assert all(cell_len(line) <= width or line.strip() == _SHA for line in lines)
    for cells in _MESSAGES.values():
        for word in " ".join(cells).split():
            if word.isascii():
                assert any(word in line for line in lines), word
    for amount in ("3,430円", "9,999円"):
        assert any(amount in line for line in lines), amount


def test_a_pipe_has_a_line_for_each_record() -> None:
    heading, _, *records = _plain(_COLUMNS, None)
    assert heading.split() == list(_MESSAGES)
    assert len(records) == 3
    for number, record in enumerate(records):
        assert record.split() == " ".join(c[number] for c in _MESSAGES.values()).split()


def test_what_fits_stands_in_a_table_wide_characters_counted() -> None:
    lines = _plain(_COLUMNS[:4], 80)
    assert len(lines) == 5
    starts = {cell_len(line[: line.index(word)]) for line, word in zip(
        [lines[0], *lines[2:]], ["経路", "電子メール", "手紙", "電子メール"], strict=True
    )}  # fmt: skip
    assert len(starts) == 1


def test_what_does_not_fit_stands_beneath_with_its_heading_and_the_rest_stays_aligned() -> None:
    lines = _plain(_COLUMNS, 60)
    assert "空" not in "".join(lines)
    assert sum(line.startswith("  理由: ") for line in lines) >= 1
    assert sum("SHA-256:" in line for line in lines) == 2  # and none for what is empty
    assert [line for line in lines if line.startswith("M")] != []


def test_a_long_text_is_folded_between_words() -> None:
    assert wrapped("queued as 00000001 ok", 10) == ["queued as", "00000001", "ok"]
    assert wrapped("送信済み、「M000000001」まで", 12) == ["送信済み、", "「M000000001」", "まで"]
    assert wrapped(_SHA, 10) == [_SHA]
    assert wrapped("１２３４５６", 6) == ["１２３４５６"]
    assert wrapped("", 10) == [""]


def test_facts_stand_one_below_the_other() -> None:
    lines = [x.plain for x in facts([("宛先", "M000107"), ("作成日時", "申請 " * 20)], 40)]
    assert lines[0] == "宛先      M000107"
    assert all(line.startswith(" " * 10) for line in lines[2:])
    assert all(cell_len(line) <= 40 for line in lines)
    assert [x.plain for x in facts([("a", "b " * 90 + "b")], None)] == ["a  " + "b " * 90 + "b"]
