"""Feedback-ID and List-Unsubscribe: on which mails, and nothing else beside them."""

import re
import shutil
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from notifier.model.message import new_token
from notifier.rendering.errors import WriteError
from notifier.rendering.mail.mime import Stream
from notifier.rendering.writer import Writer
from tests.rendering.pages import parsed

PAGE = "https://notifier.example.jp/unsubscribe/"
STREAM = Stream(
    sender_id="minato-kyokai", unsubscribe_domain="bounce.example.jp", unsubscribe_url=PAGE
)
TOKEN = new_token()


@pytest.fixture(scope="module")
def lenient(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Writer:
    """A writer whose refund notices may be stopped."""
    copy = tmp_path_factory.mktemp("lenient") / "templates"
    shutil.copytree(templates, copy)
    manifest = copy / "ja" / "refund" / "notice.toml"
    manifest.write_text("unsubscribe = true\n" + manifest.read_text())
    return Writer(copy)


def written(writer: Writer, stream: Stream, notice: str = "refund", step: str = "decided") -> bytes:
    c = replace(writer.sample(notice, step), scheme="group-liability")
    return writer.mail(c, token=TOKEN, message_id="a@b.example.jp", stream=stream).data


def head(data: bytes) -> EmailMessage:
    before, _, _ = data.partition(b"\r\n\r\n")
    assert before.isascii()
    assert max(len(line) for line in before.split(b"\r\n")) <= 78
    assert all(re.match(rb"[A-Za-z-]+:|[ \t]\S", line) for line in before.split(b"\r\n"))
    return parsed(data)


def test_no_notice_of_ours_can_be_stopped(writer: Writer) -> None:
    for notice in writer.notices.values():
        for step in notice.steps:
            message = head(written(writer, STREAM, notice.name, step))
            assert not [name for name in message if name.startswith("List-")]
            name = f"{notice.name}:{step}:group-liability:minato-kyokai"
            assert message.get_all("Feedback-ID") == [name]


def test_the_default_says_nothing(lenient: Writer) -> None:
    message = head(written(lenient, Stream()))
    assert not [n for n in message if n.startswith(("List-", "Feedback"))]


def test_a_provider_gets_the_token_as_it_hands_it_back(writer: Writer) -> None:
    message = head(written(writer, Stream(token_header="X-PM-Metadata-token")))
    assert message.get_all("X-PM-Metadata-token") == [TOKEN]


def test_one_click_and_mail(lenient: Writer) -> None:
    message = head(written(lenient, STREAM))
    places = re.findall(r"<([^>]*)>", message["List-Unsubscribe"])
    assert places == [f"mailto:unsubscribe+{TOKEN}@bounce.example.jp", f"{PAGE}{TOKEN}"]
    assert message.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


def test_without_a_page_there_is_no_click(lenient: Writer) -> None:
    message = head(written(lenient, replace(STREAM, unsubscribe_url="")))
    assert re.findall(r"<([^>]*)>", message["List-Unsubscribe"]) == [
        f"mailto:unsubscribe+{TOKEN}@bounce.example.jp"
    ]
    assert message["List-Unsubscribe-Post"] is None


def test_the_rest_of_the_mail_is_the_same(lenient: Writer) -> None:
    plain, said = written(lenient, Stream()), written(lenient, STREAM)
    more = re.compile(rb"(Feedback-ID|List-[A-Za-z-]+):.*\r\n([ \t].*\r\n)*")
    assert more.sub(b"", said) == plain != said


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sender_id": "a\r\nBcc: x@example.jp"}, "feedback_id"),
        ({"sender_id": "協会協会協会"}, "feedback_id"),
        ({"unsubscribe_domain": "example.jp>\r\nBcc: x"}, "unsubscribe_domain"),
        ({"unsubscribe_url": "https://a.jp/>, <mailto:b@c.jp"}, "unsubscribe_url"),
        ({"unsubscribe_url": "http://a.jp/"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://a.jp/\n"}, "unsubscribe_url"),
    ],
)
def test_nothing_can_be_injected(lenient: Writer, change: dict[str, str], field: str) -> None:
    with pytest.raises(WriteError) as caught:
        written(lenient, replace(STREAM, **change))
    assert caught.value.field == field


def test_a_scheme_that_no_header_can_carry_holds_the_mail(writer: Writer) -> None:
    c = replace(writer.sample("refund", "decided"), scheme="a:b\r\nBcc")
    with pytest.raises(WriteError, match="feedback_id"):
        writer.mail(c, token=TOKEN, message_id="a@b.example.jp", stream=STREAM)
