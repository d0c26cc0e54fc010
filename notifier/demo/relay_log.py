"""What the relay says that it took: its log, read against the record."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store.uncertain import Resolution, resolve_uncertain, uncertain

from .post_office import read_log

_ACTOR = system("relay-log")


def taken(log: Path) -> Counter[str]:
    """Token of the return path (``b+TOKEN@…``) → how often the relay took that message."""
    return Counter(_token(line) for line in _lines(log))


def hashes(log: Path) -> set[tuple[str, str]]:
    """(token, SHA-256 of the payload) of everything that the relay took."""
    return {(_token(line), line["sha256"]) for line in _lines(log)}


def _lines(log: Path) -> list[dict[str, Any]]:
    return read_log(log) if log.exists() else []


def _token(line: dict[str, Any]) -> str:
    return str(line["from"]).partition("@")[0].removeprefix("b+")


async def settle(engine: AsyncEngine, log: Path, now: datetime) -> int:
    """Settle uncertain messages by the relay's log: what it took is sent, else queued again.

    After a SIGKILL the relay is the only one who knows. How many were settled.
    """
    async with engine.begin() as conn:
        tokens = [r.token for r in await uncertain(conn)]
        known = taken(log) if tokens else Counter[str]()
        resolutions = [
            Resolution(token=token, after=State.SENT if known[token] else State.QUEUED)
            for token in tokens
        ]
        moved = await resolve_uncertain(
            conn, resolutions, reason=Reason.RELAY_LOG, actor=_ACTOR, now=now
        )
    return len(moved)
