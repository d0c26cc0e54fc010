"""Line breaks: between phrases, never inside an amount, nothing lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from notifier.rendering.text import lines
from tests.samples import WRITER

JAPANESE = st.lists(
    st.one_of(
        st.sampled_from(
            "保険料等のご請求を、2025年8月14日（木）までに3,230円「お返し」します。ーっ々①㈱～髙𠮷"
        ),
        st.sampled_from("ABCxyz0189-/.: <>&\"'"),
        st.sampled_from(["葛\U000e0100", "か\u3099", "\u3000"]),
    ),
    max_size=120,
).map("".join)
MAILS = [
    (notice.name, step, name)
    for notice in WRITER.notices.values()
    for step in notice.steps
    if "email" in notice.channels
    for name in WRITER.samples(notice.name, step)
]


def pieces(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("原因", ("原因",)),
        (
            "保険料等の誤ったご請求に関するお詫び",
            ("保険料等の", "誤った", "ご請求に", "関する", "お詫び"),
        ),
        (
            "2025年8月14日（木）までに3,230円を",
            ("2025年8月14日（木）までに", "3,230円を"),
        ),
    ],
)
def test_phrases(text: str, parts: tuple[str, ...]) -> None:
    assert lines.phrases(text) == parts


@given(JAPANESE)
def test_phrases_make_the_text_again(text: str) -> None:
    assert "".join(lines.phrases(text)) == text
    assert str(lines.marked(text)).replace("<wbr>", "") == str(escape(text))
    assert lines.marked(escape(text)).replace("<wbr>", "") == escape(text)


@given(JAPANESE, st.integers(20, 80))
def test_folded_loses_nothing_and_breaks_well(text: str, width: int) -> None:
    made = lines.folded(text, width)
    assert pieces(made) == pieces(text)
    for before, line in zip(made.split("\n"), made.split("\n")[1:], strict=False):
        assert before
        assert not re.match("[、。，．」』）ー々っ\u3099\U000e0100]", line)
        assert not re.search("[「（]$", before)
        assert not (re.search(r"[\d,]$", before) and re.match(r"[\d,円年月日]", line))


@given(st.text(st.sampled_from("保険料等のご請求をお返しします会員"), max_size=200))
def test_no_line_is_too_wide(text: str) -> None:
    assert all(lines.columns(line) <= lines.WIDTH for line in lines.folded(text).split("\n"))


def test_what_must_stay_whole_may_be_wider() -> None:
    url = "https://member.example.jp/" + "a" * 80
    assert lines.folded(f"手順は{url}をご覧ください。") == f"手順は\n{url}\nをご覧ください。"


def test_lines_that_are_there_are_kept() -> None:
    assert lines.folded("一つ目。\n\n二つ目。") == "一つ目。\n\n二つ目。"


def test_behind_a_label() -> None:
    made = lines.hanging("あ" * 40, "　 ")
    assert made == "あ" * 33 + "\n　 " + "あ" * 7


@pytest.mark.parametrize(
    ("text", "wide"), [("abc", 3), ("ｱｲ", 2), ("日本", 4), ("葛\U000e0100", 2), ("か\u3099", 2)]
)
def test_columns(text: str, wide: int) -> None:
    assert lines.columns(text) == wide


def test_markup_stays_markup() -> None:
    assert lines.marked("<b>") == Markup("&lt;b&gt;")


@pytest.mark.parametrize(("notice", "step", "name"), MAILS)
def test_the_text_of_every_mail_has_short_lines(notice: str, step: str, name: str) -> None:
    """Two columns a character: 40 at most, but for what must not be broken."""
    c = WRITER.samples(notice, step)[name]
    text = WRITER.mail(c, token="t", message_id="a@b.example.jp").text
    names = (c.scheme_name, c.brand.association, c.recipient.name, *c.policies)
    usual = [
        line
        for line in text.splitlines()
        if not any(n and len(n) > 12 and n in line for n in names)
    ]
    wide = [
        line
        for line in usual
        if lines.columns(line) > 80 and not re.match(r"・証券番号|〒|https://", line)
    ]
    assert not wide
    broken = re.findall(r"[\d,]\n[\d,]*円", text)
    assert not broken
