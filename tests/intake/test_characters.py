"""One table of characters: what intake takes can be written, and what cannot be is refused."""

import unicodedata

import pytest

from notifier.model.characters import has_private, is_clean, is_showable, printable
from notifier.rendering.errors import WriteError
from notifier.rendering.facts import check_line

#: Every character there is, by what intake says of it.
_ALL = [chr(code) for code in range(0x110000)]


def _is_written(text: str) -> bool:
    try:
        return check_line("name", text) == text
    except WriteError:
        return False


def test_intake_and_output_agree_on_every_character() -> None:
    differ = [hex(ord(c)) for c in _ALL if _is_written(c) != (is_clean(c) and not has_private(c))]
    assert differ == []


@pytest.mark.parametrize(
    "text",
    [
        *("\0", "\x1b[31m", "\r", "\n", "\t", "\x85", "\u2028", "\u2029"),
        *("\u202e", "\u2066", "\u200e", "\u200f", "\u061c"),
        *("\ufeff", "\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u180e", "\u3164", "\u2800"),
        *("\U000e0041", "\U000e007f", "\ufffe", "\U0001ffff", "\ufdd0", "\ud800"),
    ],
)
def test_refused_by_both(text: str) -> None:
    assert not is_clean(f"潮田{text}凪")
    assert not _is_written(f"潮田{text}凪")
    assert "\ufffd" in printable(f"潮田{text}凪")


@pytest.mark.parametrize(
    "text",
    ["潮田　凪", "葛\U000e0100西", "𠮷野 髙﨑", "ｶﾅ", "Nguyễn", "é", "か゚", "☎\ufe0f", "㈱みほん"],
)
def test_taken_by_both(text: str) -> None:
    assert is_clean(text)
    assert _is_written(text)
    assert _is_written(unicodedata.normalize("NFD", text))


def test_words_that_are_only_kept_may_hold_what_mails_hold() -> None:
    assert is_showable("家族\U0001f468\u200d\U0001f469 の\u00ad件\ufeff")
    for text in ("\x1b[2J", "\u202e", "\u2028", "\ud800"):
        assert not is_showable(text)
