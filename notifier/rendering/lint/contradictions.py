"""Contradictions: statements that one message cannot make both; and what no mail may ask for."""

import re
from collections.abc import Iterator
from typing import Final

from notifier.model.states import Channel
from notifier.rendering.lint.finding import Finding, Severity
from notifier.rendering.lint.proofs import Proof, Proofs
from notifier.rendering.lint.wordlists import wordlists

_SENTENCE: Final = re.compile(r"[^。！？]+")
_SPACE: Final = re.compile(r"\s")


def contradictions(proofs: Proofs) -> Iterator[Finding]:
    """Pairs of statements of which only one can be so."""
    for proof in proofs.proofs:
        text = _bare(proof)
        for one, other in wordlists().contradictions:
            first, second = one.search(text), other.search(text)
            if first and second:
                place = proofs.find(proof.step, second[0])
                about = {"one": first[0], "other": second[0], "step": proof.step}
                yield proofs.finding(place, "contradiction", Severity.ERROR, **about)


def asked_by_mail(proofs: Proofs) -> Iterator[Finding]:
    """A number that a reader must not put into a mail is asked for in one."""
    asked = wordlists().asked_by_mail
    for proof in proofs.proofs:
        if proof.channel is not Channel.EMAIL:
            continue
        for sentence in _SENTENCE.findall(_bare(proof)):
            if found := asked.search(sentence):
                place = proofs.find(proof.step, found[0])
                about = {"what": found[0][:40], "step": proof.step}
                yield proofs.finding(place, "asked_by_mail", Severity.ERROR, **about)


def _bare(proof: Proof) -> str:
    """What its reader reads, whatever the line breaks; parts do not run into each other."""
    return "。".join(_SPACE.sub("", text) for text in proof.texts)
