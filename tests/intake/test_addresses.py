"""Email addresses, with those of the old mobile carriers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.intake.addresses import parse_email
from notifier.model.errors import BadInput
from notifier.model.mailbox import smtp_form, split


@pytest.mark.parametrize(
    ("given_", "kept", "sent"),
    [
        ("a.b@example.jp", "a.b@example.jp", "a.b@example.jp"),
        ("A.b@Example.JP", "A.b@example.jp", "A.b@example.jp"),
        ("a..b.@docomo.ne.jp", "a..b.@docomo.ne.jp", '"a..b."@docomo.ne.jp'),
        ('"a..b."@docomo.ne.jp', "a..b.@docomo.ne.jp", '"a..b."@docomo.ne.jp'),
        (".a@example.jp", ".a@example.jp", '".a"@example.jp'),
        ("a+b/c=d?@example.jp", "a+b/c=d?@example.jp", "a+b/c=d?@example.jp"),
        ("a@例え.example.jp", "a@xn--r8jz45g.example.jp", "a@xn--r8jz45g.example.jp"),
    ],
)
def test_accepted(given_: str, kept: str, sent: str) -> None:
    assert parse_email(given_) == kept
    assert smtp_form(kept) == sent
    assert smtp_form(sent) == sent


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_email"),
        ("nobody", "bad_email"),
        ("@example.jp", "bad_email"),
        ('""@example.jp', "bad_email"),
        ("a@", "bad_email"),
        ("a@localhost", "bad_email"),
        ("a@[192.0.2.1]", "bad_email"),
        ("a@192.0.2.1", "bad_email"),
        ("a@-x.jp", "bad_email"),
        ("a@x..jp", "bad_email"),
        ("a b@example.jp", "bad_email"),
        ("a@exa mple.jp", "bad_email"),
        ('"a b"@example.jp', "bad_email"),
        ("a,b@example.jp", "bad_email"),
        ("a@b@example.jp", "bad_email"),
        ("山田@example.jp", "bad_email"),
        ("山 <a@example.jp>", "bad_email"),
        ("a@☃️.jp", "bad_email"),
        ("a@exa\ufeffmple.jp", "control_character"),
        ("a\r\nBcc: b@example.jp", "control_character"),
        ("a\0@example.jp", "control_character"),
        ("a" * 65 + "@example.jp", "too_long"),
        ("a@" + "b" * 60 + ".jp" + ".c" * 100, "too_long"),
    ],
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_email(text, field="data.email")
    assert [(e.field, e.code) for e in caught.value.errors] == [("data.email", code)]


@pytest.mark.parametrize("address", ["", "a", "@example.jp", "é@example.jp", "a@b c.jp", "a@x>.jp"])
def test_what_smtp_cannot_carry(address: str) -> None:
    with pytest.raises(ValueError, match="SMTP"):
        smtp_form(address)


@given(st.text(max_size=40) | st.from_regex(r"[ -~]{0,20}@[ -~]{0,20}", fullmatch=True))
def test_an_address_or_bad_input(text: str) -> None:
    try:
        address = parse_email(text)
    except BadInput:
        return
    assert parse_email(address) == address
    assert parse_email(smtp_form(address)) == address
    assert smtp_form(address).isascii()
    assert not set(smtp_form(address)) & set(" \r\n<>,;")


# Two quotes alone are the SMTP form of an empty local part, which nobody has.
@given(st.from_regex(r"[ -~]{1,30}", fullmatch=True).filter(lambda local: local != '""'))
def test_quoting_is_undone_by_reading(local: str) -> None:
    form = smtp_form(f"{local}@example.jp")
    assert smtp_form(form) == form
    if local[0] != '"':
        assert split(form) == (local, "example.jp")
