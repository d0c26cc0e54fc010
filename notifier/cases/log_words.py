"""Entries of the log about messages, in words."""

from collections.abc import Mapping
from typing import Final

from notifier.rendering.labels import label

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
