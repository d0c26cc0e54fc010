"""Replies: what a relay answered, what that says about a message, and when to come again.

Replies are untrusted text. All words that are looked for are in ``hints.toml``; every pattern takes
time in proportion to the text, of which at most 2,000 characters are read.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
# "Authentication required", "too weak", "failed", "needs encryption": a relay that answers so to
# an envelope speaks about our settings, not about the message.
_OURS = frozenset({530, 534, 535, 538})
_KEPT = 2000  # characters of a reply that are kept


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
        text=text[:_KEPT],
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


#: A wait is taken to be at least and at most so long, whatever a reply asks for.
SHORTEST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(hours=4)

_READ: Final = 2000  # characters of a reply
_BEFORE: Final = 48  # characters before a time in which a word must say that it is a wait
_AFTER: Final = 32  # and after it
_MOST: Final = 20  # times in one reply that are looked at
_RETRIED: Final = frozenset({Outcome.TEMPORARY, Outcome.BEFORE_DATA})
# hh:mm:ss, as some greylisting programs write it; without a word before it might be of the clock.
_CLOCK: Final = re.compile(r"\b(?:in|for|wait|about) ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?![0-9:])")


class HintKind(StrEnum):
    """What a refusal is about."""

    NONE = "none"  # nothing that we can read
    GREYLISTED = "greylisted"  # this message was seen for the first time; others are not concerned
    THROTTLED = "throttled"  # too much or too fast for the destination
    CLOSING = "closing"  # the server closes the connection or takes nothing at present


@dataclass(frozen=True, slots=True)
class Hint:
    """What a reply asks for."""

    kind: HintKind
    wait: timedelta | None = None  # not before; between SHORTEST and LONGEST


NO_HINT: Final = Hint(HintKind.NONE)


def hint_of(reply: Reply) -> Hint:
    """The hint in a reply. What is not a refusal for the time being has none. Never raises."""
    if reply.code is None or reply.outcome not in _RETRIED:
        return NO_HINT
    text = _plain(reply.text)
    kind, wait = _kind(reply, text), _wait(text)
    return NO_HINT if kind is HintKind.NONE and wait is None else Hint(kind, wait)


def _plain(text: str) -> str:
    """In lower case, half-width, on one line."""
    even = unicodedata.normalize("NFKC", text[:_READ])[:_READ]
    return " ".join(even.lower().split())


def _kind(reply: Reply, text: str) -> HintKind:
    table = _table()
    enhanced = reply.enhanced or ""
    if table.greylisted.search(text):
        return HintKind.GREYLISTED
    if _within(enhanced, table.mailbox):
        return HintKind.NONE
    if _is_throttling(reply.code, enhanced) or table.throttled.search(text):
        return HintKind.THROTTLED
    if reply.code in table.closing or _within(enhanced, table.closing_codes):
        return HintKind.CLOSING
    return HintKind.NONE


def _is_throttling(code: int | None, enhanced: str) -> bool:
    table = _table()
    other = code in table.unthrottled_replies or _within(enhanced, table.unthrottled)
    return _within(enhanced, table.throttled_codes) and not other


def _within(enhanced: str, codes: Iterable[str]) -> bool:
    """Whether an enhanced code is one of these or begins with it: 4.7.28 is within 4.7."""
    return any(enhanced == code or enhanced.startswith(f"{code}.") for code in codes)


def _wait(text: str) -> timedelta | None:
    table = _table()
    clock = _CLOCK.search(text)
    if clock and _is_near(text, *clock.span()):
        hours, minutes, seconds = map(int, clock.groups())
        return _bounded(hours * 3600 + minutes * 60 + seconds)
    for count, found in enumerate(table.time.finditer(text)):
        if count >= _MOST:
            break
        start, end = found.span()
        if _is_near(text, start, end):
            return _bounded(sum(map(_seconds, table.part.finditer(found.group()))))
    return None


def _is_near(text: str, start: int, end: int) -> bool:
    table = _table()
    before, after = text[max(0, start - _BEFORE) : start], text[end : end + _AFTER]
    if table.never_after.search(before):
        return False
    return bool(table.near.search(before) or table.near.search(after))


def _seconds(part: re.Match[str]) -> float:
    number, unit = (one for one in part.groups() if one is not None)
    table = _table()
    value = table.numerals[number] if number in table.numerals else float(number)
    return value * table.units[unit]


def _bounded(seconds: float) -> timedelta:
    longest = LONGEST.total_seconds()
    return timedelta(seconds=min(max(seconds, SHORTEST.total_seconds()), longest))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    greylisted: re.Pattern[str]
    throttled: re.Pattern[str]
    throttled_codes: tuple[str, ...]
    unthrottled: tuple[str, ...]
    unthrottled_replies: frozenset[int]
    mailbox: tuple[str, ...]
    closing: frozenset[int]
    closing_codes: tuple[str, ...]
    near: re.Pattern[str]
    never_after: re.Pattern[str]
    units: Mapping[str, float]
    numerals: Mapping[str, float]
    time: re.Pattern[str]  # one or two parts: "1 hour 30 minutes"
    part: re.Pattern[str]  # number and unit


@cache
def _table() -> _Table:
    found = tomllib.loads(files("notifier.delivery").joinpath("hints.toml").read_text("utf-8"))
    throttled, closing, near = found["throttled"], found["closing"], found["near"]
    return _Table(
        greylisted=_any(found["greylisted"]["words"]),
        throttled=_any(throttled["words"]),
        throttled_codes=tuple(throttled["codes"]),
        unthrottled=tuple(throttled["except"]),
        unthrottled_replies=frozenset(throttled["except_replies"]),
        mailbox=tuple(throttled["mailbox"]),
        closing=frozenset(closing["replies"]),
        closing_codes=tuple(closing["codes"]),
        near=_any(near["words"]),
        never_after=re.compile(f"(?:{_either(near['never_after'])})(?: the)? ?$"),
        units=found["units"],
        numerals=found["numerals"],
        **_times(found),
    )


def _times(found: Mapping[str, Any]) -> dict[str, re.Pattern[str]]:
    words = _either(found["numerals"])
    # Not within an address, a version, an enhanced code or a longer word.
    number = rf"(?<![\w.:-])(?:([0-9]{{1,6}}(?:\.[0-9]{{1,3}})?)[ -]?|({words})[ -])"
    latin = _either(u for u in found["units"] if u.isascii())
    other = _either(u for u in found["units"] if not u.isascii())
    japanese = rf"(?<![0-9.:])([0-9]{{1,6}}) ?({other})"
    english = rf"{number}({latin})(?![\w-])"
    part = rf"(?:{english}|{japanese})"
    return {"part": re.compile(part), "time": re.compile(rf"{part}(?:(?: and)? ?{part})?")}


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(_either(words))


def _either(words: Iterable[str]) -> str:
    """An alternation in which a longer word comes before what it begins with."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
