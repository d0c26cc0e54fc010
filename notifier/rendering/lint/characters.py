"""Characters that look like others, or like nothing, in what people paste."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from notifier.rendering.lint.finding import Finding, Severity
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.source import Place
from notifier.rendering.lint.wordlists import wordlists

_BRACKETS: Final = re.compile(r"（[^（）()\n]*\)|\([^（）()\n]*）")
_DASHES: Final = "〜～"
_PROSE: Final = frozenset({".txt", ".mjml", ".html", ".typ", ".toml", ".json"})
_LAYOUTS: Final = frozenset({".mjml", ".html", ".typ"})


def odd_characters(proofs: Proofs) -> Iterator[Finding]:
    """Radicals, spaces that do not break, and their kin."""
    for source in proofs.sources.all:
        for name, characters, severity in wordlists().odd:
            for line, text in source.matches(characters):
                yield proofs.finding(
                    Place(source.name, line),
                    "odd_character",
                    Severity(severity),
                    what=f"U+{ord(text):04X}",
                    kind=name,
                )


def brackets(proofs: Proofs) -> Iterator[Finding]:
    """A pair of brackets has one width."""
    for source in proofs.sources.all:
        if source.ending not in _LAYOUTS:  # which are full of brackets of code
            for line, text in source.matches(_BRACKETS):
                place = Place(source.name, line)
                yield proofs.finding(place, "mixed_brackets", Severity.ERROR, what=text[:20])


def dashes(proofs: Proofs) -> Iterator[Finding]:
    """〜 (U+301C) and ～ (U+FF5E) in one notice: a search for one does not find the other."""
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for source in proofs.sources.all:
        if source.ending in _PROSE:
            for line, text in source.matches(re.compile(f"[{_DASHES}]")):
                found[text].append(Place(source.name, line))
    if len(found) > 1:
        rarer = min(_DASHES, key=lambda dash: len(found[dash]))
        for place in found[rarer]:
            yield proofs.finding(
                place, "mixed_dashes", Severity.WARNING, what=f"{rarer} U+{ord(rarer):04X}"
            )
