"""Request ids: one for each request, on its answer, in its problem document and its log lines."""

import re
import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Final

from structlog.contextvars import bound_contextvars, get_contextvars

HEADER: Final = "X-Request-Id"
#: What a caller may choose. Anything else might be made to look like something in a log.
PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_GIVEN: Final = re.compile(PATTERN.encode())
_NAME: Final = HEADER.lower().encode()
_KEY: Final = "request_id"


def chosen(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's id where there is exactly one of the right form, else 128 random bits."""
    given = [value for name, value in headers if name == _NAME]
    if len(given) == 1 and _GIVEN.fullmatch(given[0]):
        return given[0].decode()
    return secrets.token_hex(16)


def during(request_id: str) -> AbstractContextManager[None]:
    """While it lasts, the request is answered under this id, and every log line has it."""
    return bound_contextvars(**{_KEY: request_id})


def current() -> str | None:
    """The id of the request that is being answered; None outside of one."""
    found = get_contextvars().get(_KEY)
    return found if isinstance(found, str) else None
