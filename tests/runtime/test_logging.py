"""No personal data in the logs."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from notifier.logs import get_logger
from notifier.runtime.logging import configure_logging, mask


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        "hanako@example.jp",
        "a..b.@docomo.example.jp",
        '"a..b."@docomo.example.jp',
        "花子@例え.example.jp",
        "03-0000-0000",
        "0120-000-000",
        "(03) 0000-0000",
        "(03)0000-0000",
        "０３－００００－００００",
        "090-0000-0000",
        "09000000000",
        "+81-90-0000-0000",
        "〒000-0000",
        "000-0000",
        "〒0000000",
        "０００ー００００",
    ],
)
def test_personal_data_in_a_text_are_masked(text: str) -> None:
    assert mask(f"refused: <{text}>, sorry") == "refused: <***>, sorry"


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-15T10:00:00+09:00",
        "message 1860 sent in 0.034 s",
        "B000001 has 46 pieces",
        "127.0.0.1:2525",
        "550 5.1.1 no such user",
        "0190a1b2-0000-7000-8000-00000000abcd",
        "3,430 円",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert mask(text) == text


def test_values_under_personal_keys_are_masked_at_any_depth(lines: io.StringIO) -> None:
    member = {"name": "架空 花子", "address": {"city": "架空市"}, "member_no": "M1"}
    get_logger("test").info("imported", member=member, recipient_name="架空", rows=[{"kana": "カ"}])
    line = json.loads(lines.getvalue())
    assert line["member"] == {"name": "***", "address": "***", "member_no": "M1"}
    assert (line["recipient_name"], line["rows"]) == ("***", [{"kana": "***"}])
    assert (line["event"], line["level"], line["logger"]) == ("imported", "info", "test")
    assert line["timestamp"].endswith("Z")


def test_exceptions_and_foreign_loggers_are_masked_too(lines: io.StringIO) -> None:
    try:
        raise ValueError("unknown: taro@example.jp")
    except ValueError:
        get_logger("test").exception("broke")
    logging.getLogger("somebody.else").warning("call %s", "03-0000-0000")
    broke, call = (json.loads(line) for line in lines.getvalue().splitlines())
    assert "ValueError: unknown: ***" in broke["exception"]
    assert call["event"] == "call ***"


def test_numbers_and_bytes(lines: io.StringIO) -> None:
    get_logger("test").info("x", count=5, card=1234, seen=b"taro@example.jp", done=True, none=None)
    line = json.loads(lines.getvalue())
    assert (line["count"], line["card"], line["seen"]) == (5, "***", "***")
    assert (line["done"], line["none"]) == (True, None)
