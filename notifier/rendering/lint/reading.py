"""How hard a notice is to read: figures that anybody can count again by hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from notifier.rendering.lint.proofs import Proofs, texts_of
from notifier.rendering.lint.source import Finding, Severity
from notifier.rendering.lint.wordlists import Limit, wordlists

_SENTENCE: Final = re.compile(r"[^。！？!?]*[。！？!?]")
_BREAK: Final = re.compile(r"[ \t]*\n(?!\n)[ \t]*")
_KANJI: Final = re.compile(r"[々一-鿿㐀-䶿]")
_KANA: Final = re.compile(r"[ぁ-ゖァ-ヺー]")
_RUN: Final = re.compile(r"[々一-鿿㐀-䶿]+")


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be counted in running text."""

    sentences: int
    mean_sentence: float  # characters, 。 included
    longest_sentence: int
    kanji_share: float  # of kanji, hiragana and katakana
    kanji_run: int  # the longest run of kanji
    passives: int  # the most れる／られる in one sentence
    doubled: int  # honorifics upon honorifics
    negations: int  # double negations


def sentences(texts: tuple[str, ...]) -> list[str]:
    """The sentences of texts; what does not end as one (labels, names, amounts) is none."""
    found: list[str] = []
    for text in texts:
        for paragraph in re.split(r"\n[ \t]*\n", text):
            found += [one.strip() for one in _SENTENCE.findall(_BREAK.sub("", paragraph))]
    return [one for one in dict.fromkeys(found) if len(one) > 1]


def figures(texts: tuple[str, ...]) -> Figures:
    """The figures of texts; all zero where there is no sentence."""
    found = sentences(texts)
    whole = "".join(found)
    kanji, kana = len(_KANJI.findall(whole)), len(_KANA.findall(whole))
    lists = wordlists()
    return Figures(
        sentences=len(found),
        mean_sentence=len(whole) / len(found) if found else 0.0,
        longest_sentence=max(map(len, found), default=0),
        kanji_share=kanji / (kanji + kana) if kanji else 0.0,
        kanji_run=max((len(run) for run in _RUN.findall(whole)), default=0),
        passives=max((len(lists.passive.findall(one)) for one in found), default=0),
        doubled=len(lists.doubled.findall(whole)),
        negations=len(lists.negations.findall(whole)),
    )


def difficulty(proofs: Proofs) -> Iterator[Finding]:
    """Wording that a member without the subject at heart would have to read twice."""
    for step in proofs.notice.steps:
        whole = [p for p in proofs.proofs if p.step == step and p.is_plain]
        read = [prose(p.words) for p in whole]
        for name, limit in wordlists().reading.items():
            texts = max(read, key=lambda texts: float(getattr(figures(texts), name)), default=())
            yield from _beyond(proofs, step, name, limit, texts)
        for one in dict.fromkeys(one for texts in read for one in sentences(texts)):
            yield from _tangled(proofs, step, one)


def _beyond(
    proofs: Proofs, step: str, name: str, limit: Limit, texts: tuple[str, ...]
) -> Iterator[Finding]:
    value = getattr(figures(texts), name)
    if value <= limit.warning:
        return
    severity = Severity.ERROR if value > limit.error else Severity.WARNING
    most = limit.error if severity is Severity.ERROR else limit.warning
    place = proofs.find(step, _worst(name, sentences(texts)))
    about = {"value": f"{value:.3g}", "most": f"{most:g}", "step": step}
    yield proofs.finding(place, name, severity, **about)


def _tangled(proofs: Proofs, step: str, sentence: str) -> Iterator[Finding]:
    for name, pattern in (("doubled", wordlists().doubled), ("negation", wordlists().negations)):
        for found in pattern.finditer(sentence):
            place = proofs.find(step, found[0], sentence)
            yield proofs.finding(place, name, Severity.WARNING, what=found[0], step=step)


def prose(words: object) -> tuple[str, ...]:
    """Texts of words that hold sentences."""
    return tuple(text for text in texts_of(words) if "。" in text)


def _worst(name: str, found: list[str]) -> str:
    """The sentence, or the run of kanji, that a figure is about."""
    if name == "kanji_run":
        return max((run for one in found for run in _RUN.findall(one)), key=len, default="")
    if name == "passives":
        return max(found, key=lambda one: len(wordlists().passive.findall(one)), default="")
    return max(found, key=len, default="")
