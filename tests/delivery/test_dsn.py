"""DSN parameters: xtext, limits, and the name under which a report comes back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.smtp import (
    attempt_of,
    envelope_id,
    mail_parameters,
    recipient_parameters,
    xtext,
)
from notifier.model.mailbox import smtp_form
from notifier.model.message import new_token
from notifier.model.relay import Dsn

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(PRINTABLE)
def test_xtext_round_trips_and_is_one_word(text: str) -> None:
    written = xtext(text)
    assert re.fullmatch(r"([!-*,-<>-~]|\+[0-9A-F]{2})*", written)
    escaped = re.compile(r"\+([0-9A-F]{2})")
    assert escaped.sub(lambda found: chr(int(found[1], 16)), written) == text


@pytest.mark.parametrize("bad", ["a\r\nRCPT TO:<b@example.jp>", "a\x00", "花子", "a\x7f", "\xa0"])
def test_what_is_not_printable_ascii_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        xtext(bad)
    assert mail_parameters(bad, Dsn.FAILURE) == " RET=HDRS"
    assert recipient_parameters(bad, Dsn.FAILURE) == " NOTIFY=FAILURE,DELAY"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("hanako@example.jp", "hanako@example.jp"),
        ("a..b.@docomo.example.jp", '"a..b."@docomo.example.jp'),
        ("a+b=c@example.jp", "a+2Bb+3Dc@example.jp"),
        ("two words@example.jp", '"two+20words"@example.jp'),
    ],
)
def test_the_original_recipient(address: str, written: str) -> None:
    said = recipient_parameters(smtp_form(address), Dsn.FAILURE)
    assert said == f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{written}"


def test_the_envelope_names_the_attempt() -> None:
    token = new_token()
    envid = envelope_id(token, 3)
    assert mail_parameters(envid, Dsn.FAILURE) == f" RET=HDRS ENVID={token}.3"
    assert xtext(envid) == envid  # so that a relay which quotes it undecoded still names it
    assert attempt_of(f" {envid} ") == (token, 3)


@pytest.mark.parametrize(
    "other", ["", "x", "QQ123", "a" * 26, "a" * 26 + ".0", "a" * 26 + ".1.2", "A" * 26 + ".1"]
)
def test_names_of_others_are_not_ours(other: str) -> None:
    assert attempt_of(other) is None


def test_limits_count_what_is_written() -> None:
    assert mail_parameters("a" * 100, Dsn.FAILURE).endswith(f" ENVID={'a' * 100}")
    assert mail_parameters("a" * 101, Dsn.FAILURE) == " RET=HDRS"
    assert mail_parameters("=" * 34, Dsn.FAILURE) == " RET=HDRS"
    fits = "a" * (500 - len("rfc822;"))
    assert recipient_parameters(fits, Dsn.FAILURE).endswith(f" ORCPT=rfc822;{fits}")
    assert recipient_parameters(fits + "a", Dsn.FAILURE) == " NOTIFY=FAILURE,DELAY"


def test_what_is_asked_for_is_the_relays_setting() -> None:
    assert recipient_parameters("a@b.jp", Dsn.SUCCESS).startswith(" NOTIFY=SUCCESS,FAILURE,DELAY ")
    assert mail_parameters("x", Dsn.OFF) == recipient_parameters("a@b.jp", Dsn.OFF) == ""
