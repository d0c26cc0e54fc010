"""The words of a letter as JSON, in parts, many of which are the same in all letters of a mailing.

Words are prepared as mails are: the templates are run once on slots, and what comes out is filled
in from then on. Everything is checked after that, so that a slot needs no care beyond its template.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.rendering.letter.checks import as_json
from notifier.rendering.skeleton import unobserved, with_slots
from notifier.rendering.text.forms import forms_of
from notifier.rendering.text.slots import SLOT, Slots
from notifier.rendering.words import Phrases

#: By word: its JSON, or that of each item of a list, such as a section.
Parts = dict[str, str | list[str]]


def parts_of(words: Mapping[str, Any]) -> Parts:
    """The words of a letter."""
    return {
        key: [as_json(item) for item in value] if isinstance(value, list) else as_json(value)
        for key, value in words.items()
    }


@dataclass(frozen=True, slots=True)
class Outline:
    """The words of a letter with slots."""

    parts: Parts
    open: tuple[str, ...]  # the words that have slots
    slots: tuple[tuple[str, str], ...]  # (path of a value, its slot)
    yen: Callable[[int], str]

    def fill(self, values: Mapping[str, str | int], /) -> Parts:
        """The words of one letter; ``values``: path → plain text, or an amount in yen."""
        texts = {slot: self._inside(values[path]) for path, slot in self.slots}

        def filled(part: str) -> str:
            return SLOT.sub(lambda found: texts[found[0]], part)

        parts = dict(self.parts)
        for key in self.open:
            part = parts[key]
            parts[key] = filled(part) if isinstance(part, str) else [filled(one) for one in part]
        return parts

    def _inside(self, value: str | int) -> str:
        """A value as it stands within a text of JSON."""
        return as_json(self.yen(value) if isinstance(value, int) else value)[1:-1]


def trace_parts(
    phrases: Phrases,
    step: str,
    values: Mapping[str, Any],
    leaves: Mapping[str, str | int],
    _domains: Sequence[str],
) -> Outline:
    """The words of a letter with the leaves as slots; ``phrases`` run in a tracing sandbox.

    Raises :class:`~notifier.rendering.skeleton.Unfit` with the leaves that they depend on.
    """
    slots = Slots(leaves)
    with unobserved(slots):
        parts = parts_of(phrases.plain_words(step, with_slots(values, leaves, slots)))
    used = {key: set(SLOT.findall("".join(part))) for key, part in parts.items()}
    open_ = tuple(key for key, found in used.items() if found)
    among = slots.among(set[str]().union(*used.values()))
    return Outline(parts, open_, among, forms_of(phrases.folder.language).yen)
