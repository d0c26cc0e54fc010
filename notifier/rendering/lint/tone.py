"""Tone: words that a notice of this kind may not use."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from notifier.rendering.lint.finding import Finding, Severity
from notifier.rendering.lint.proofs import Proof, Proofs
from notifier.rendering.lint.source import Place
from notifier.rendering.lint.wordlists import wordlists

#: Files that hold no wording, or that of all notices.
_NO_WORDING: Final = (".toml",)
_AROUND: Final = 20  # characters


def seasons(proofs: Proofs) -> Iterator[Finding]:
    """Seasonal greetings in an apology."""
    yield from _apologies(proofs, "seasonal_greeting", wordlists().seasonal)


def haste(proofs: Proofs) -> Iterator[Finding]:
    """前略 and its kin in an apology."""
    yield from _apologies(proofs, "abrupt_opening", wordlists().abrupt)


def promotion(proofs: Proofs) -> Iterator[Finding]:
    """Promotion in a notice that its reader cannot stop."""
    if not proofs.notice.unsubscribe:
        yield from _everywhere(proofs, "promotion", wordlists().promotion)


def plurals(proofs: Proofs) -> Iterator[Finding]:
    """様 behind what is an address to many already."""
    yield from _everywhere(proofs, "double_address", wordlists().plural)


def _everywhere(proofs: Proofs, rule: str, words: re.Pattern[str]) -> Iterator[Finding]:
    found = list(_in_sources(proofs, rule, words, lambda _: True))
    yield from found
    yield from _in_proofs(proofs, rule, words, found, lambda _: True)


def _apologies(proofs: Proofs, rule: str, words: re.Pattern[str]) -> Iterator[Finding]:
    """In the files of an apology, and in what an apology says by whatever file."""
    steps = {p.step for p in proofs.proofs if proofs.is_apology or p.is_apology}
    if proofs.is_apology:
        steps |= set(proofs.notice.steps)
    mine = {
        proofs.folder.named(file, step)
        for step in steps
        for file in ("words.txt", "subject.txt", "body.txt", "body.mjml", "letter.typ")
    }
    found = list(_in_sources(proofs, rule, words, mine.__contains__))
    yield from found
    yield from _in_proofs(proofs, rule, words, found, lambda p: p.step in steps)


def _in_sources(
    proofs: Proofs, rule: str, words: re.Pattern[str], where: Callable[[str], bool]
) -> Iterator[Finding]:
    for source in proofs.sources.all:
        if where(source.name) and source.ending not in _NO_WORDING:
            for line, text in source.matches(words):
                place = Place(source.name, line)
                yield proofs.finding(place, rule, Severity.ERROR, word=text)


def _in_proofs(
    proofs: Proofs,
    rule: str,
    words: re.Pattern[str],
    found: list[Finding],
    where: Callable[[Proof], bool],
) -> Iterator[Finding]:
    """What only comes about when a message is written, such as a word in two parts."""
    known = {one.about for one in found}
    for proof in filter(where, proofs.proofs):
        for text in proof.texts:
            for match in words.finditer(text):
                around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
                place = proofs.find(proof.step, match[0], around)
                one = proofs.finding(place, rule, Severity.ERROR, word=match[0])
                if one.about not in known:
                    yield one
