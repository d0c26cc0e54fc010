"""Logs: one JSON object per line on standard error, without personal data."""

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from notifier import logs

_MASK: Final = "***"
_MOST_BYTES: Final = 5_000_000  # of a log file

#: Keys whose values are about a person, whatever they look like; also as the end of a longer
#: key (``recipient_name``).
_PERSONAL: Final = frozenset(
    {
        *("name", "kana", "birthday", "email", "mail", "phone", "tel", "fax", "contact"),
        *("address", "addresses", "postcode", "zip", "prefecture", "city", "street", "building"),
        *("recipient", "recipients", "rcpt", "subject", "body", "reply", "payload", "raw", "data"),
        *("account", "card", "password", "secret", "token", "authorization"),
    }
)
#: Keys that end like a personal one and are none.
_HARMLESS: Final = frozenset({"logger_name", "thread_name", "func_name", "file_name", "hostname"})

_EMAIL: Final = re.compile(r"""("[^"\s]{1,64}"|[^\s@<>"',;:()\[\]{}=]{1,64})@[\w-]+(\.[\w-]+)+""")
_DASH: Final = "[-\u2010\u2011\u2212\u30fc\uff0d]"  # as typed with a Japanese keyboard, too
_PHONE: Final = re.compile(
    rf"(?<![\w.:-])(\+81({_DASH}| )?\d{{1,4}}|[(\uff08]?[0\uff10]\d{{1,4}}[)\uff09]?)"
    rf"({_DASH}| )?\d{{1,4}}({_DASH}| )\d{{3,4}}(?![\w-])"
    r"|(?<![\w.:-])[0\uff10]\d{9,10}(?![\w-])"
)
_POSTCODE: Final = re.compile(
    rf"\u3012\s?\d{{3}}{_DASH}?\d{{4}}|(?<![\w.:-])\d{{3}}{_DASH}\d{{4}}(?![\w-])"
)


def mask(text: str) -> str:
    """``text`` without email addresses, Japanese telephone numbers and postcodes."""
    for pattern in (_EMAIL, _POSTCODE, _PHONE):
        text = pattern.sub(_MASK, text)
    return text


def mask_fields(
    _logger: object, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: mask texts at any depth, and all that stands under personal keys."""
    return {key: _masked(key, value) for key, value in fields.items()}


def _masked(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return _MASK if value is not None and _is_personal(key) else value
    if _is_personal(key):
        return _MASK
    if isinstance(value, Mapping):
        return {mask(str(inner)): _masked(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(key, one) for one in value]
    return mask(value if isinstance(value, str) else _text(value))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _is_personal(key: str) -> bool:
    lowered = key.lower()
    return lowered not in _HARMLESS and lowered.rsplit("_", 1)[-1] in _PERSONAL


class _Formatter(logging.Formatter):
    """Lines as JSON. What makes them is loaded for the first one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self._json.format(record)

    @cached_property
    def _json(self) -> logging.Formatter:
        import structlog

        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=logs.processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_fields,  # last, so that texts of exceptions pass it too
                _render,
            ],
        )


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send our lines and those of libraries to ``stream`` (standard error) as JSON."""
    if "structlog" in sys.modules:  # else it is configured once it is loaded
        logs.configure()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # It has a line for each word of nonsense that somebody says to the listener.
    logging.getLogger("mail.log").setLevel(max(logging.ERROR, root.level))
    for noisy in ("aiosmtplib", "httpx", "uvicorn", "arq.worker", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def open_log(var: Path) -> TextIO | None:
    """Open the log file of verbs under ``var``; None where none can be written.

    It is for its owner alone. A full one is put aside, in place of the one before.
    """
    file = var / "log" / "notifier.jsonl"
    try:
        if not var.is_dir():  # what only reads makes no folder
            return None
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if file.exists() and file.stat().st_size > _MOST_BYTES:
            file.replace(file.with_suffix(".1.jsonl"))
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a")
    except OSError:
        return None


def _render(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> str:
    return orjson.dumps(fields, default=str).decode()
