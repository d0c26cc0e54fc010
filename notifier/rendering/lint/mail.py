"""Mails: a subject that a phone shows, and a page that says what the text says."""

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from notifier.model.states import Channel
from notifier.rendering.lint.proofs import Proof, Proofs
from notifier.rendering.lint.source import Finding, Place, Severity
from notifier.rendering.lint.wordlists import wordlists

_NUMBER: Final = re.compile(r"\d[\d,.:-]*(?:円|年|月|日|%|％|件|名|回)?")
_WORD: Final = re.compile(r"\w+")
_SILENT: Final = frozenset({"style", "title", "script", "head"})


def subjects(proofs: Proofs) -> Iterator[Finding]:
    """What a list of mails on a phone cuts off."""
    limit = wordlists().subject
    for proof in filter(lambda p: p.is_plain, _mails(proofs)):
        width = columns(proof.subject)
        if width > limit.warning:
            severity = Severity.ERROR if width > limit.error else Severity.WARNING
            most = limit.error if severity is Severity.ERROR else limit.warning
            place = Place(proofs.folder.named("subject.txt", proof.step), 1)
            yield proofs.finding(
                place, "long_subject", severity, width=f"{width:g}", most=f"{most:g}",
                step=proof.step,
            )  # fmt: skip


def columns(text: str) -> float:
    """The width of a text in full-width characters."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "FWA" else 0.5 for c in text)


def both_forms(proofs: Proofs) -> Iterator[Finding]:
    """Text and page of a mail hold the same words, amounts and dates."""
    for proof in _mails(proofs):
        page = " ".join(Page(proof.html).texts)
        # A page also shows its preview line, and may repeat the subject.
        text = f"{proof.text} {proof.words.get('preview', '')} {proof.subject}"
        yield from _missing(proofs, proof, page, text, "only_page")
        yield from _missing(proofs, proof, proof.text, page, "only_text")


def _missing(proofs: Proofs, proof: Proof, said: str, there: str, rule: str) -> Iterator[Finding]:
    """Words and numbers of one form that the other has not."""
    joined = "".join(_words(there))
    words = [word for word in dict.fromkeys(_words(said)) if word not in joined]
    for what in (*words, *sorted(_numbers(said) - _numbers(there))):
        place = proofs.find(proof.step, what)
        yield proofs.finding(place, rule, Severity.ERROR, what=what[:40], step=proof.step)


def _words(text: str) -> list[str]:
    return _WORD.findall(_NUMBER.sub(" ", text))


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(text))


def _mails(proofs: Proofs) -> Iterator[Proof]:
    return (p for p in proofs.proofs if p.channel is Channel.EMAIL)


class Page(HTMLParser):
    """The texts of a page that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._silent = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Some hold no text."""
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        """Back to text."""
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        """A piece of text."""
        if not self._silent and data.strip():
            self.texts.append(data.strip())
