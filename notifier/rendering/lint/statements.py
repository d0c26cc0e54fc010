"""Statements: what the law wants said, what one message cannot say both, what no mail asks for."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifier.model.notice import LegalItem
from notifier.model.states import Channel
from notifier.rendering.lint.proofs import Proof, Proofs, texts_of
from notifier.rendering.lint.source import Finding, Severity
from notifier.rendering.lint.wordlists import wordlists

_FILE: Final = "notice.toml"


def legal_items(proofs: Proofs) -> Iterator[Finding]:
    """Each item stands in its section, in every form; a data leak has all five."""
    for step in proofs.notice.steps:
        mine = [item for item in proofs.notice.legal if item.step == step]
        if step in wordlists().leak_steps:
            yield from _unlisted(proofs, step, mine)
        for proof in proofs.proofs:
            if proof.step == step:
                for item in mine:
                    yield from _lost(proofs, proof, item)


def _unlisted(proofs: Proofs, step: str, items: list[LegalItem]) -> Iterator[Finding]:
    for needed in wordlists().leak_items:
        if not any(needed in item.item for item in items):
            place = proofs.line(_FILE, f"[step_fields.{step}]")
            yield proofs.finding(place, "legal_unlisted", Severity.ERROR, item=needed, step=step)


def _lost(proofs: Proofs, proof: Proof, item: LegalItem) -> Iterator[Finding]:
    place = proofs.line(_FILE, item.item)
    about = {"item": item.item, "section": item.section, "step": item.step}
    section = _section(proof.words.get("sections"), item.section)
    if section is None:
        yield proofs.finding(place, "legal_no_section", Severity.ERROR, **about)
        return
    said = "".join("".join(texts_of(section)).split())
    for name in item.fields:
        if any(text not in said for text in _facts(proof.sample.facts.get(name))):
            yield proofs.finding(place, "legal_no_fact", Severity.ERROR, **about, field=name)


def _section(sections: Any, title: str) -> Mapping[str, Any] | None:
    """The section of a title that says something."""
    for section in sections if isinstance(sections, list) else ():
        if isinstance(section, Mapping) and section.get("title") == title:
            rest = {k: v for k, v in section.items() if k != "title"}
            return section if "".join(texts_of(rest)).strip() else None
    return None


def _facts(fact: Any) -> Iterator[str]:
    """Texts of a fact, without spaces; amounts and dates are shown in forms of their own."""
    if isinstance(fact, str) and not _is_date(fact):
        yield "".join(fact.split())
    elif isinstance(fact, list | tuple):
        for one in fact:
            yield from _facts(one)
    elif isinstance(fact, Mapping):
        for one in fact.values():
            yield from _facts(one)


def _is_date(text: str) -> bool:
    return len(text) == 10 and text[4:5] == text[7:8] == "-"


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
