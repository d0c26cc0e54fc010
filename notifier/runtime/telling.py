"""What calling others needs, joined."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifier.webhooks.feed import Feed
from notifier.webhooks.line import Desk
from notifier.webhooks.outside import Outside

from .parts import Parts
from .settings import PREFIX, BadSettings


@asynccontextmanager
async def telling(parts: Parts) -> AsyncIterator[Desk]:
    """The desk from which webhooks are called. Raises :class:`BadSettings`."""
    try:
        outside = Outside(parts.settings.webhooks)
    except OSError as problem:
        raise BadSettings(f"{PREFIX}WEBHOOKS__CA_FILE: {problem.strerror or problem}") from None
    try:
        yield Desk(parts.engine, Feed(parts.engine), outside, parts.clock.now)
    finally:
        await outside.close()
