"""Replies: what a relay answered, and what that says about a message."""

import re
from enum import StrEnum
from typing import Any, NamedTuple

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
# "Authentication required", "too weak", "failed", "needs encryption": a relay that answers so to
# an envelope speaks about our settings, not about the message.
_OURS = frozenset({530, 534, 535, 538})
_LONGEST = 2000  # characters of a reply that are kept


class Outcome(StrEnum):
    """What became of a transmission."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"  # refused; later may help
    PERMANENT = "permanent"  # refused for good
    BEFORE_DATA = "before_data"  # broke before any of the message went out: safe to repeat
    UNCERTAIN = "uncertain"  # broke between the body and its reply


class Reply(NamedTuple):
    """The end of a transmission, as it will stand on record."""

    outcome: Outcome
    command: str  # the command that it answers: CONNECT, MAIL, RCPT, DATA, BODY
    code: int | None = None
    enhanced: str | None = None  # RFC 3463, as "5.1.1"
    text: str = ""
    tls: str | None = None
    relay: str = ""
    stopped_by_us: bool = False  # says nothing about the relay

    def to_json(self) -> dict[str, Any]:
        """Plain values for a journal."""
        return self._asdict()

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Reply":
        """The reply of :meth:`to_json`."""
        return cls(**{**found, "outcome": Outcome(found["outcome"])})


def answered(command: str, code: int, text: str, *, tls: str | None, relay: str) -> Reply:
    """A reply with a code. What fits no class of RFC 5321 after a body is uncertain."""
    enhanced = _ENHANCED.match(text)
    return Reply(
        outcome=_outcome(command, code),
        command=command,
        code=code,
        enhanced=enhanced.group() if enhanced else None,
        text=text[:_LONGEST],
        tls=tls,
        relay=relay,
    )


def _outcome(command: str, code: int) -> Outcome:
    if command in {"CONNECT", "RSET"} or (code in _OURS and command != "BODY"):
        return Outcome.BEFORE_DATA
    if 200 <= code < 300 and command == "BODY":
        return Outcome.ACCEPTED
    if 400 <= code < 500:
        return Outcome.TEMPORARY
    if 500 <= code < 600:
        return Outcome.PERMANENT
    return Outcome.UNCERTAIN if command == "BODY" else Outcome.BEFORE_DATA
