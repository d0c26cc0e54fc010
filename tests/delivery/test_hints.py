"""What the words of a refusal say about when to come again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.replies import (
    LONGEST,
    NO_HINT,
    SHORTEST,
    Hint,
    HintKind,
    Outcome,
    Reply,
    answered,
    hint_of,
)

GREY, SLOW, CLOSING, NONE = (
    HintKind.GREYLISTED,
    HintKind.THROTTLED,
    HintKind.CLOSING,
    HintKind.NONE,
)


def _hint(code: int, text: str, command: str = "RCPT") -> Hint:
    return hint_of(answered(command, code, text, tls=None, relay="relay"))


@pytest.mark.parametrize(
    ("code", "text", "kind", "seconds"),
    [
        # greylisting
        (450, "4.2.0 <a@example.jp>: Recipient address rejected: Greylisted for 300 seconds", GREY, 300),  # noqa: E501
        (451, "4.7.1 Greylisting in force, please retry in 00:05:00", GREY, 300),
        (451, "4.7.1 Greylisted, come back in 01:02:03 please", GREY, 3723),
        (451, "grey-listed; try again in 5 mins", GREY, 300),
        (450, "4.7.1 Graylisted: resend after 2 minute(s)", GREY, 120),
        (451, "4.7.1 temporarily greylisted as a newcomer. Come again.", GREY, None),
        (421, "4.7.0 Greylisting: wait a minute and reconnect", GREY, 60),
        (450, "グレイリストにより受付を保留しました。５分後に再送してください", GREY, 300),
        # throttling
        (421, "4.7.28 An unusual rate of mail comes from your domain.", SLOW, None),
        (451, "4.7.650 The server [192.0.2.1] has been rate limited for its reputation", SLOW, None),  # noqa: E501
        (450, "4.7.1 Error: too much mail from 192.0.2.1", SLOW, None),
        (421, "Too many connections from your host, try again in 2 hours", SLOW, 7200),
        (452, "4.4.5 messages a second: slow down and retry in 10s", SLOW, 10),
        (450, "Too many messages (100 per 30 minutes); come back in an hour", SLOW, 3600),
        (451, "throttled; you may try again in 1 hour and 30 minutes", SLOW, 5400),
        (421, "送信制限中です。しばらくお待ちください", SLOW, None),
        (450, "同時接続数が多すぎます。1時間30分後に再度接続してください", SLOW, 5400),
        # closing
        (421, "4.3.0 mail.example.jp closing for maintenance", CLOSING, None),
        (421, "mail.example.jp goes down, please try again after 10 minutes.", CLOSING, 600),
        (450, "4.3.2 Service currently unavailable", CLOSING, None),
        # neither
        (451, "4.3.0 local trouble, try again in half an hour", NONE, 1800),
        (450, "4.2.1 This user receives mail too quickly. Resend later.", NONE, None),
        (452, "4.2.2 mailbox full", NONE, None),
        (454, "4.7.0 no TLS at present", NONE, None),
        (451, "4.7.5 certificate not trusted", NONE, None),
        (451, "4.3.0 kept for 5 days before it is returned, says 192.0.2.5 seconds", NONE, None),
        (450, "4.1.8 sender unknown; 5 minutes of fame", NONE, None),
        (451, "mail was refused at 10:05:00; try later", NONE, None),
    ],
)  # fmt: skip
def test_words_are_understood(code: int, text: str, kind: HintKind, seconds: int | None) -> None:
    wait = None if seconds is None else timedelta(seconds=seconds)
    assert _hint(code, text) == Hint(kind, wait)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("retry in 0 seconds", SHORTEST),
        ("retry in 3 seconds", SHORTEST),
        ("retry in 3 days", LONGEST),
        ("retry in 99:59:59", LONGEST),
        ("retry in 999999 hours", LONGEST),
    ],
)
def test_waits_have_bounds(text: str, wait: timedelta) -> None:
    assert _hint(451, text).wait == wait


def test_a_refusal_to_connect_has_a_hint_as_well() -> None:
    assert _hint(554, "too many connections from you", "CONNECT") == Hint(SLOW)
    assert _hint(421, "4.7.0 later", "CONNECT") == Hint(SLOW)


@pytest.mark.parametrize(
    ("command", "code"), [("RCPT", 550), ("BODY", 250), ("BODY", 550), ("BODY", 199)]
)
def test_what_is_not_for_the_time_being_has_none(command: str, code: int) -> None:
    assert _hint(code, "greylisted, try again in 5 minutes", command) == NO_HINT


def test_our_own_words_about_a_broken_connection_are_no_hint() -> None:
    broken = Reply(
        outcome=Outcome.BEFORE_DATA, command="CONNECT", text="TimeoutError: retry in 5 minutes"
    )
    assert hint_of(broken) == NO_HINT


_PIECES = st.sampled_from(
    ["retry", " in ", "5", "00:05:00", ":", ".", " minutes", "秒", "a ", "per ", "grey", "５", "\n"]
)  # fmt: skip


@given(
    st.one_of(st.text(), st.lists(_PIECES, max_size=60).map("".join)),
    st.integers(-1, 999),
    st.sampled_from(["CONNECT", "MAIL", "RCPT", "DATA", "BODY"]),
)
def test_no_text_can_upset_it(text: str, code: int, command: str) -> None:
    hint = _hint(code, text, command)
    assert hint.wait is None or SHORTEST <= hint.wait <= LONGEST


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "1:", "retry ", "in a ", "5 m", "5 minutes ", "\ufdfa", "1時間"]
)
def test_a_hostile_text_of_any_length_is_read_once(piece: str) -> None:
    """The text goes on for a megabyte: with anything worse than linear this would not end."""
    reply = Reply(outcome=Outcome.TEMPORARY, command="RCPT", code=451, text=piece * 1_000_000)
    assert hint_of(reply).kind is NONE
