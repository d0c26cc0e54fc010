"""Prepared mails and letters are, byte for byte, what the templates make."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.model.correspondence import MAILED_ON, Correspondence
from notifier.model.notice import FieldType, Notice
from notifier.model.states import Channel
from notifier.rendering import context
from notifier.rendering.errors import WriteError
from notifier.rendering.labels import Labels
from notifier.rendering.letter.letters import words_of
from notifier.rendering.letter.parts import Parts, parts_of
from notifier.rendering.words import Phrases
from notifier.rendering.writer import Writer
from tests.samples import LOCALES, NOTICES, TEMPLATES, WRITER

MAILS = [
    (notice, step)
    for notice in NOTICES.values()
    if Channel.EMAIL in notice.channels
    for step in notice.steps
]
LETTERS = [
    (notice, step)
    for notice in NOTICES.values()
    if Channel.LETTER in notice.channels
    for step in notice.steps
]
ORACLE = {name: Phrases(WRITER.folders["ja", name], Labels(LOCALES)) for name in NOTICES}
#: Japanese, and everything that could break out of where it stands.
TEXT = st.text(
    st.one_of(
        st.sampled_from("海野渚一二三髙﨑𠮷①㈱～－ｱｲｳ゛「」（）・　 ABCwxyz019"),
        st.sampled_from("<>&\"'{}%#=:/\\().,-+@;"),
        st.characters(codec="utf-8"),
    ),
    min_size=1,
    max_size=40,
)
WORDS = st.one_of(
    TEXT, st.sampled_from(["www.example.jp", "https://example.jp/", "ww", "a\n\nb", " x ", "url("])
)


def pages_of(c: Correspondence) -> tuple[str, str, str]:
    """Subject, text and HTML by the templates alone."""
    values = context.values(c, WRITER.notices[c.notice], Channel.EMAIL)
    pages = ORACLE[c.notice].mail(c.step, values)
    return pages.subject, pages.text, pages.html


def parts_by_templates(c: Correspondence) -> Parts:
    """The words of a letter by the templates alone."""
    values = context.values(c, WRITER.notices[c.notice], Channel.LETTER)
    return parts_of(ORACLE[c.notice].plain_words(c.step, values))


def others(c: Correspondence) -> Iterator[Correspondence]:
    """Messages that differ from ``c`` only in what is a slot: its skeleton is made of them."""
    for n in range(8):
        reader = replace(c.recipient, name=f"別人 {n}子", member_no=f"M{n:06d}")
        yield replace(c, number=f"N{n:08d}", recipient=reader)


def written(writer: Writer, c: Correspondence) -> tuple[str, str, str]:
    mail = writer.mail(c, token="abc", message_id="<abc@notifier.example.jp>")
    return mail.subject, mail.text, mail.html


@st.composite
def correspondences(draw: st.DrawFn, notice: Notice, step: str) -> Correspondence:
    """A sample with what is a slot drawn anew."""
    sample = WRITER.sample(notice.name, step)
    facts: dict[str, Any] = dict(sample.facts)
    for spec in notice.fields_for(step):
        if spec.type is FieldType.YEN:
            facts[spec.name] = draw(st.integers(0, 10**9))
        elif spec.type is FieldType.TEXT and spec.name in {"cause", "prevention", "charge_id"}:
            facts[spec.name] = draw(WORDS)
    reader = replace(
        sample.recipient,
        name=draw(WORDS),
        member_no=draw(TEXT),
        email=draw(st.sampled_from(["a@example.jp", "a..b.@docomo.example.jp"])),
    )
    policies = tuple(draw(st.lists(TEXT, max_size=3)))
    return replace(sample, recipient=reader, policies=policies, number=draw(TEXT), facts=facts)


@pytest.mark.parametrize(("notice", "step"), MAILS, ids=lambda v: getattr(v, "name", v))
@settings(max_examples=25)
@given(st.data())
def test_it_is_what_the_templates_make(notice: Notice, step: str, data: st.DataObject) -> None:
    c = data.draw(correspondences(notice, step))
    writer = WRITER
    for other in others(replace(c, policies=("P",) * len(c.policies))):
        try:
            written(writer, other)
        except WriteError:
            break
    try:
        expected = pages_of(c)
    except WriteError as error:
        with pytest.raises(WriteError, match=error.field):
            written(writer, c)
        return
    try:
        made = written(writer, c)
    except WriteError as error:
        # Headers and links are checked beside the templates.
        assert error.field in {"links", "subject", "recipient.email.name"}  # noqa: PT017
    else:
        assert made == expected


@pytest.mark.parametrize(("notice", "step"), MAILS, ids=lambda v: getattr(v, "name", v))
def test_every_notice_to_members_can_be_prepared(notice: Notice, step: str) -> None:
    writer = Writer(TEMPLATES, LOCALES)
    c = writer.sample(notice.name, step)
    for other in others(c):
        written(writer, other)
    prepared = writer._wordings["ja", notice.name].prepared
    found = prepared.find(c, context.issued_on(c.written_at))
    if notice.name == "staff_alert":  # says another thing each time
        return
    assert found is not None
    assert found.skeleton is not None
    assert written(writer, c) == pages_of(c)


@pytest.mark.parametrize(("notice", "step"), LETTERS, ids=lambda v: getattr(v, "name", v))
@settings(max_examples=25)
@given(st.data())
def test_the_words_of_a_letter_are_what_the_templates_make(
    notice: Notice, step: str, data: st.DataObject
) -> None:
    c = data.draw(correspondences(notice, step))
    wording = WRITER._wordings["ja", notice.name]
    for other in others(replace(c, policies=("P",) * len(c.policies))):
        try:
            words_of(other, wording)
        except WriteError:
            break
    try:
        expected = parts_by_templates(c)
    except WriteError as error:
        with pytest.raises(WriteError, match=error.field):
            words_of(c, wording)
        return
    assert words_of(c, wording) == expected


@pytest.mark.parametrize(("notice", "step"), LETTERS, ids=lambda v: getattr(v, "name", v))
def test_every_letter_can_be_prepared(notice: Notice, step: str) -> None:
    writer = Writer(TEMPLATES, LOCALES)
    wording = writer._wordings["ja", notice.name]
    c = writer.sample(notice.name, step)
    for other in others(c):
        words_of(other, wording)
    found = wording.letters.find(c, context.issued_on(c.written_at))
    assert found is not None
    assert found.skeleton is not None
    assert words_of(c, wording) == parts_by_templates(c)


def test_a_letter_in_place_of_a_mail_says_when_the_mail_was_sent() -> None:
    writer = Writer(TEMPLATES, LOCALES)
    wording = writer._wordings["ja", "card_error"]
    c = writer.sample("card_error", "first")
    for other in others(c):
        words_of(other, wording)
    late = replace(c, facts={**c.facts, MAILED_ON: "2025-07-15"})
    for letter in (late, late, late, c):
        assert words_of(letter, wording) == parts_by_templates(letter)
    assert words_of(late, wording)["notes"] != words_of(c, wording)["notes"]


@pytest.mark.parametrize("change", ["day", "step", "brand", "scheme_name", "category", "policies"])
def test_what_differs_otherwise_is_written_anew(change: str) -> None:
    writer = Writer(TEMPLATES, LOCALES)
    c = writer.sample("card_error", "first")
    for other in others(c):
        written(writer, other)
    changed = {
        "day": replace(c, written_at=c.written_at + timedelta(days=1)),
        "step": writer.sample("apology", "overcharge"),
        "brand": replace(c, brand=replace(c.brand, colour="#ffffff", association="別の協会")),
        "scheme_name": replace(c, scheme_name="別の制度"),
        "category": replace(c, facts={**c.facts, "category": "limit"}),
        "policies": replace(c, policies=("P-1", "P-2", "P-3", "P-4")),
    }[change]
    for message in (changed, changed, changed, c):
        assert written(writer, message) == pages_of(message)


@settings(max_examples=60)
@given(correspondences(NOTICES["card_error"], "first"))
def test_the_standard_library_reads_back_what_was_meant(c: Correspondence) -> None:
    try:
        mail = WRITER.mail(c, token="abc", message_id="<abc@notifier.example.jp>")
    except WriteError:
        return
    parsed = message_from_bytes(mail.data, policy=default)
    assert parsed["Subject"] == mail.subject
    assert parsed["Message-ID"] == "<abc@notifier.example.jp>"
    [to] = parsed["To"].addresses
    name = f"{c.recipient.name} {c.recipient.honorific}".strip()
    assert to.display_name.split() == name.split()  # the library makes one space of several
    assert parsed["From"].addresses[0].addr_spec == c.brand.sender_address
    assert not parsed.defects
    text, html = parsed.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == mail.text
    assert html.get_content().replace("\r\n", "\n") == mail.html
    assert max(len(line) for line in mail.data.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    ("notice", "step"),
    [
        ("card_error", "first"),
        ("reregistration_deadline", "before_7"),
        ("reregistration_deadline", "before_1"),
        ("reregistration_deadline", "passed"),
    ],
)
def test_several_charges_leave_those_of_one_prepared(notice: str, step: str) -> None:
    """A message of many lists, written twice, closes no slot for the messages that have none."""
    writer = Writer(TEMPLATES, LOCALES)
    plain = writer.sample(notice, step)
    several = writer.samples(notice, step, "ja")["several"]
    for c in (several, several, several):
        assert written(writer, c) == pages_of(c)
    for other in others(plain):
        written(writer, other)
    found = writer._wordings["ja", notice].prepared.find(plain, context.issued_on(plain.written_at))
    assert found is not None
    assert {"total", "premium", "other_fees"} <= found.leaves.keys()
    assert found.skeleton is not None
    assert written(writer, plain) == pages_of(plain)


@pytest.mark.parametrize(("notice", "step"), MAILS, ids=lambda v: getattr(v, "name", v))
def test_every_branch_of_the_wording_can_be_prepared(notice: Notice, step: str) -> None:
    """On either side of a date, for every category and way of giving back: mail and letter."""
    wording = WRITER._wordings["ja", notice.name]
    for name, c in WRITER.samples(notice.name, step).items():
        if c.facts.get("further") or notice.name == "staff_alert":
            continue  # of many lists, or another thing each time
        for other in others(c):
            written(WRITER, other)
        found = wording.prepared.find(c, context.issued_on(c.written_at))
        assert found is not None, name
        assert found.skeleton is not None, name
        assert written(WRITER, c) == pages_of(c)
        if Channel.LETTER in notice.channels:
            for other in others(c):
                words_of(other, wording)
            letter = wording.letters.find(c, context.issued_on(c.written_at))
            assert letter is not None, name
            assert letter.skeleton is not None, name
            assert words_of(c, wording) == parts_by_templates(c)
