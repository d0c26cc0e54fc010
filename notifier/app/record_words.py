"""Tasks and entries of the log in the words that a person reads. They hold no contact data."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from notifier.rendering.labels import label
from notifier.rules.calendar import JAPAN

#: Details whose value is itself a word of ours.
_WORDS = {
    "reason": "reason",
    "notice": "notice",
    "what": "line",
    "kind": "task",
    "fallback": "fallback",
    "answer": "call",
    "gateway": "gateway",
    "code": "error",
    "sweep": "sweep",
}


def told(details: Mapping[str, Any], language: str) -> Iterator[str]:
    """One line for each detail, contradictions last."""
    for name, value in details.items():
        if name != "contradictions":
            yield f"{label(f'detail.{name}', language)}: {_value(name, value, language)}"
    for c in details.get("contradictions", ()):
        yield contradiction(c, language)


def contradiction(found: Mapping[str, Any], language: str) -> str:
    """What the record has and what was stated, in yen."""
    what = label(f"line.{found['what']}", language)
    expected = "—" if found["expected"] is None else f"{found['expected']:,}"
    key = "detail.contradiction"
    return label(key, language, what=what, expected=expected, observed=f"{found['observed']:,}")


def _value(name: str, value: Any, language: str) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    if name in _WORDS and isinstance(value, str):
        key = f"{_WORDS[name]}.{value}"
        found = label(key, language)
        return value if found == key else found  # a reply's code is no word of ours
    return f"{value:,}" if isinstance(value, int) else str(value)


def japan_time(moment: datetime) -> str:
    """A moment as staff in Japan read it."""
    return f"{moment.astimezone(JAPAN):%Y-%m-%d %H:%M}"


#: By kind of entry: which labels its ``after`` and its ``reason`` have.
LABELS_OF: Final[Mapping[str, tuple[str, str]]] = {
    "move": ("state", "reason"),
    "amend": ("state", "reason"),
    "fallback": ("fallback", "reason"),
    "tracking": ("return", "bounce"),
    "suppression": ("suppressing", "suppression"),
    "inquiry": ("inquiry_state", "inquiry"),
}


def words_of(kind: str, after: str | None, reason: str | None, language: str) -> tuple[str, str]:
    """Return what came about and why, in a language; empty where the entry says nothing."""
    states, reasons = LABELS_OF[kind]
    what = label(f"{states}.{after}", language) if after else ""
    if not reason:
        return what, ""
    name, _, number = reason.partition(":")  # an inquiry is named with its number
    return what, " ".join(filter(None, (label(f"{reasons}.{name}", language), number)))
