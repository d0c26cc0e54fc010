"""When a call is tried again: after 10 seconds, then three times as long, up to 12 hours."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_FIRST: Final = 10.0  # seconds
_FACTOR: Final = 3.0
_LONGEST: Final = timedelta(hours=12)
_JITTER: Final = (0.8, 1.2)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts; not all wait alike, lest they come back together."""
    steps = min(attempts - 1, 20)  # by then it is the longest in any case
    wait = min(_FIRST * _FACTOR**steps, _LONGEST.total_seconds())
    return timedelta(seconds=wait * random.uniform(*_JITTER))  # noqa: S311 (no secret)


def asked_for(retry_after: str, now: datetime) -> timedelta:
    """What a Retry-After header asks for (RFC 9110 10.2.3), at most the longest wait."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return timedelta(0)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), _LONGEST)
