"""The bytes of a mail: headers that hold, bodies that say what was written, nothing injected."""

import re
from dataclasses import replace
from email.utils import getaddresses, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.correspondence import Correspondence, Recipient
from notifier.rendering.errors import WriteError
from notifier.rendering.writer import Writer
from notifier.rendering.written import WrittenMail
from tests.rendering.pages import HOSTILE, NAMES, Page, parsed

ENCODED_WORD = re.compile(r"=\?UTF-8\?B\?[A-Za-z0-9+/=]*\?=")


def _write(writer: Writer, c: Correspondence) -> WrittenMail:
    return writer.mail(c, token="abcdef234567", message_id="abc@notifier.example.jp")


def _to(c: Correspondence, **changes: str) -> Correspondence:
    recipient = c.recipient
    fields = {
        "name": recipient.name,
        "honorific": recipient.honorific,
        "member_no": recipient.member_no,
        "email": recipient.email,
        **changes,
    }
    return replace(c, recipient=Recipient(**fields, address=recipient.address))


@pytest.fixture
def sample(writer: Writer) -> Correspondence:
    return writer.sample("card_error", "first")


def test_headers(writer: Writer, sample: Correspondence) -> None:
    made = _write(writer, sample)
    message = parsed(made.data)
    assert message["Subject"] == made.subject
    raw = dict(_raw_headers(made.data))
    assert _decoded(raw["From"].split("<")[0]) == sample.brand.sender_name
    assert message["From"].addresses[0].addr_spec == sample.brand.sender_address
    assert _decoded(raw["To"].split("<")[0]) == "見本 花子 様"
    assert message["To"].addresses[0].addr_spec == sample.recipient.email
    assert message["Reply-To"] == sample.brand.reply_to
    assert message["Message-ID"] == "<abc@notifier.example.jp>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]) == sample.written_at
    assert not [name for name in message if name.startswith(("X-", "List-"))]


def test_structure(writer: Writer, sample: Correspondence) -> None:
    made = _write(writer, sample)
    message = parsed(made.data)
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert html.get_content_type() == "text/html"
    assert text.get_content().replace("\r\n", "\n") == made.text
    assert html.get_content().replace("\r\n", "\n") == made.html
    assert '<html lang="ja"' in made.html
    assert {"img", "script", "iframe", "form"}.isdisjoint(Page(made.html).tags)
    assert "fonts.googleapis" not in made.html


def test_lines(writer: Writer) -> None:
    for notice in writer.notices.values():
        for step in notice.steps:
            data = _write(writer, writer.sample(notice.name, step)).data
            assert data.isascii()
            assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
            assert data.endswith(b"--\r\n")
            assert max(len(line) for line in data.split(b"\r\n")) <= 78


def test_the_same_message_is_the_same_bytes(writer: Writer, sample: Correspondence) -> None:
    assert _write(writer, sample) == _write(writer, sample)


def test_another_date(writer: Writer, sample: Correspondence) -> None:
    later = sample.written_at.replace(hour=18)
    made = writer.mail(sample, token="a", message_id="a@b.jp", date=later)
    assert parsedate_to_datetime(parsed(made.data)["Date"]) == later


@pytest.mark.parametrize("name", [*NAMES, *HOSTILE])
def test_every_name_arrives_as_it_is(writer: Writer, sample: Correspondence, name: str) -> None:
    plain = _write(writer, sample)
    made = _write(writer, _to(sample, name=name))
    message = parsed(made.data)
    assert _decoded(dict(_raw_headers(made.data))["To"].split("<")[0]) == f"{name} 様"
    assert len(message["To"].addresses) == 1
    assert f"{name} 様" in made.text
    page, before = Page(made.html), Page(plain.html)
    assert page.tags == before.tags
    assert page.links == before.links
    assert f"{name} 様" in page.texts


_LINES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Co", "Zl", "Zp", "Cf")), min_size=1, max_size=120
).filter(lambda text: bool(text.strip()) and "://" not in text and "www." not in text.lower())


@given(name=_LINES, scheme=_LINES)
def test_any_name_and_subject_round_trip(writer: Writer, name: str, scheme: str) -> None:
    sample = replace(writer.sample("card_error", "first"), scheme_name=scheme)
    c = _to(sample, name=name)
    made = _write(writer, c)
    raw = dict(_raw_headers(made.data))
    assert _decoded(raw["Subject"]) == made.subject
    assert f"【{scheme}】" in made.subject
    (to,) = getaddresses([raw["To"].replace("\r\n", "")])
    assert to[1] == c.recipient.email
    assert _decoded(raw["To"].split("<")[0]) == f"{name} 様".lstrip()  # no header begins with space
    page = Page(made.html)
    assert page.tags == Page(_write(writer, writer.sample("card_error", "first")).html).tags
    assert max(len(line) for line in made.data.split(b"\r\n")) <= 78


def _raw_headers(data: bytes) -> list[tuple[str, str]]:
    head = data.split(b"\r\n\r\n")[0].decode("ascii")
    fields = re.split(r"\r\n(?![ \t])", head)
    return [(name, value) for name, _, value in (field.partition(": ") for field in fields)]


def _decoded(value: str) -> str:
    from base64 import b64decode

    words = ENCODED_WORD.findall(value)
    assert not ENCODED_WORD.sub("", value).strip()
    assert all(len(word) <= 75 for word in words)
    return "".join(b64decode(word[10:-2]).decode() for word in words)


@pytest.mark.parametrize(
    "bad",
    [
        "山田\r\nBcc: all@example.jp",
        "山田\n太郎",
        "山田\x00",
        "山田\x85",
        "山田\u2028太郎",
        "太郎\u202e",
        "外字\ue000",
        "半分\ud83d",
    ],
)
def test_what_no_line_may_hold_is_refused(writer: Writer, sample: Correspondence, bad: str) -> None:
    brand = sample.brand
    cases = [
        (_to(sample, name=bad), "recipient.name"),
        (_to(sample, honorific=bad), "recipient.honorific"),
        (_to(sample, member_no=bad), "recipient.member_no"),
        (replace(sample, scheme_name=bad), "scheme_name"),
        (replace(sample, group_no=bad), "group_no"),
        (replace(sample, policies=(bad,)), "policies"),
        (replace(sample, number=bad), "number"),
        (replace(sample, brand=replace(brand, sender_name=bad)), "brand.sender_name"),
        (replace(sample, brand=replace(brand, association=bad)), "brand.association"),
        (
            replace(sample, brand=replace(brand, desk=replace(brand.desk, phone=bad))),
            "brand.desk.phone",
        ),
    ]
    for c, field in cases:
        with pytest.raises(WriteError) as caught:
            _write(writer, c)
        assert caught.value.field == field
        assert bad not in str(caught.value)


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("a..b.@mail.example.jp", '<"a..b."@mail.example.jp>'),
        (".a@mail.example.jp", '<".a"@mail.example.jp>'),
        ('"a..b"@mail.example.jp', '<"a..b"@mail.example.jp>'),
        ('a"b\\c@mail.example.jp', '<"a\\"b\\\\c"@mail.example.jp>'),
        ("hanako+x@mail.example.jp", "<hanako+x@mail.example.jp>"),
    ],
)
def test_local_parts(writer: Writer, sample: Correspondence, given_: str, written: str) -> None:
    data = _write(writer, _to(sample, email=given_)).data
    assert dict(_raw_headers(data))["To"].endswith(f"\r\n {written}")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "花子",
        "hanako",
        "hanako@",
        "@example.jp",
        "a\r\nb@example.jp",
        "花子@example.jp",
        "a@例え.jp",
        "a@example.jp\r\nBcc: b@example.jp",
        "a@example.jp>, <b@example.jp>",
        "a" * 250 + "@b.jp",
    ],
)
def test_bad_addresses(writer: Writer, sample: Correspondence, bad: str) -> None:
    with pytest.raises(WriteError) as caught:
        _write(writer, _to(sample, email=bad))
    assert caught.value.field == "recipient.email"


@pytest.mark.parametrize("bad", ["", "a", "a@b\r\nX: y", "a b@c", "<a@b> <c@d>"])
def test_bad_message_ids(writer: Writer, sample: Correspondence, bad: str) -> None:
    with pytest.raises(WriteError, match="message_id"):
        writer.mail(sample, token="a", message_id=bad)


@pytest.mark.parametrize(
    "url",
    [
        "http://member.example.jp/",
        "https://example.com/",
        "https://example.jp.evil.example/",
        "https://evilexample.jp/",
        "https://example.jp@evil.example/",
        "https://example.jp:8443/",
        "https://evil.example\\@example.jp/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com/",
        "https://[::1/",
    ],
)
def test_links_only_to_the_brands_domains(writer: Writer, sample: Correspondence, url: str) -> None:
    with pytest.raises(WriteError) as caught:
        _write(writer, replace(sample, brand=replace(sample.brand, login_url=url)))
    assert caught.value.field == "brand.login_url"


@pytest.mark.parametrize(
    "text", ["https://evil.example/x", "こちら www.evil.example", "FTP://a.b/"]
)
def test_no_link_comes_in_with_a_name_or_fact(
    writer: Writer, sample: Correspondence, text: str
) -> None:
    with pytest.raises(WriteError, match=r"recipient\.name"):
        _write(writer, _to(sample, name=text))
    apology = writer.sample("apology", "overcharge")
    with pytest.raises(WriteError, match="links"):
        _write(writer, replace(apology, facts={**apology.facts, "cause": text}))


def test_no_link_comes_into_a_letter(writer: Writer) -> None:
    c = writer.sample("apology", "overcharge")
    with pytest.raises(WriteError, match="links"):
        writer.letter(replace(c, facts={**c.facts, "cause": "https://evil.example/x"}))


def test_paragraphs_of_a_fact(writer: Writer) -> None:
    c = writer.sample("apology", "overcharge")
    made = _write(writer, replace(c, facts={**c.facts, "cause": "一つ目です。\n二つ目です。<b>"}))
    assert "一つ目です。\n\n二つ目です。<b>" in made.text
    assert {"一つ目です。", "二つ目です。<b>"} <= set(Page(made.html).texts)


@pytest.mark.parametrize(("colour", "ink"), [("#1f4e79", "#ffffff"), ("#ffe9a8", "#1a1a1a")])
def test_ink_can_be_read_on_the_brands_colour(
    writer: Writer, sample: Correspondence, colour: str, ink: str
) -> None:
    html = _write(writer, replace(sample, brand=replace(sample.brand, colour=colour))).html
    assert f"color:{ink}" in html
    assert f"background:{colour}" in html


def test_a_colour_is_a_colour(writer: Writer, sample: Correspondence) -> None:
    bad = "red;background:url(https://evil.example)"
    with pytest.raises(WriteError, match=r"brand\.colour"):
        _write(writer, replace(sample, brand=replace(sample.brand, colour=bad)))


def test_without_reply_to(writer: Writer, sample: Correspondence) -> None:
    made = _write(writer, replace(sample, brand=replace(sample.brand, reply_to="")))
    assert parsed(made.data)["Reply-To"] is None


@pytest.mark.parametrize(("notice", "most"), [("apology", 12), ("card_error", 13), ("refund", 10)])
def test_pages_are_small(writer: Writer, notice: str, most: int) -> None:
    for step in writer.notices[notice].steps:
        assert len(_write(writer, writer.sample(notice, step)).html.encode()) <= most * 1024


def test_whom_a_mail_to_an_officer_addresses(writer: Writer) -> None:
    samples = writer.samples("incident_report", "report")
    said = {name: _write(writer, c).text.splitlines()[2:4] for name, c in samples.items()}
    assert said["plain"] == ["一般社団法人 全国見本専門職協会", "会長　見本 太郎 様"]
    assert said["organisation"] == ["一般社団法人 全国見本専門職協会 御中", ""]


def test_the_same_words_to_another_officer_are_prepared_apart(writer: Writer) -> None:
    c = writer.sample("incident_report", "report")
    for role in ("会長", "会長", "会長", "会長", "副会長", "副会長"):
        made = _write(writer, replace(c, recipient=replace(c.recipient, role=role)))
        assert f"\n{role}　見本 太郎 様" in made.text


def test_which_domain_to_let_in(writer: Writer, sample: Correspondence) -> None:
    assert "「@notice.example.jp」からのメール" in _write(writer, sample).text


def test_a_standing_note_of_the_brand(writer: Writer, sample: Correspondence) -> None:
    made = _write(writer, replace(sample, brand=replace(sample.brand, footer="会員室はこちら")))
    assert "※ 会員室はこちら\n" in made.text
    assert "※ 会員室はこちら" in Page(made.html).text


def test_addresses_in_tables_are_links_and_amounts_stay_whole(
    writer: Writer, sample: Correspondence
) -> None:
    html = _write(writer, sample).html
    assert f'<a href="{sample.brand.guide_url}">{sample.brand.guide_url}</a>' in html
    assert html.count("円") == html.count("円</nobr>")


def test_light_and_dark_are_declared(writer: Writer, sample: Correspondence) -> None:
    html = _write(writer, sample).html
    assert '<meta name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme:dark" in html
    assert html.index(f">{'再登録期限は2025年8月14日（木）です。'}</div>") < html.index("<h1")
