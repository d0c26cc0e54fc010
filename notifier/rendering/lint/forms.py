"""Forms of a Japanese letter: 拝啓 and 敬具, 記 and 以上."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from notifier.model.states import Channel
from notifier.rendering.folder import BASE
from notifier.rendering.lint.finding import Finding, Severity
from notifier.rendering.lint.proofs import Proof, Proofs
from notifier.rendering.lint.source import Place, Source
from notifier.rendering.lint.wordlists import wordlists

#: 記 and 以上 by themselves, as in ``[記]``; not in a word, and not at the head of a sentence.
_BEGIN: Final = re.compile(r"(?<!\w)記(?!\w)")
_END: Final = re.compile(r"(?<!\w)以[ \u3000]*上(?![\w、。])")
_BEGIN_LINE: Final = re.compile(r"(?m)^[ \u3000]*記[ \u3000]*$")
_END_LINE: Final = re.compile(r"(?m)^[ \u3000]*以[ \u3000]*上[ \u3000]*$")


def salutations(proofs: Proofs) -> Iterator[Finding]:
    """Each salutation has the close that goes with it."""
    for proof in proofs.proofs:
        text = proof.whole
        for opening, closings in wordlists().pairs:
            yield from _pair(proofs, proof, text, opening, closings)
        known = {closing for _, closings in wordlists().pairs for closing in closings}
        for closing in sorted(known & set(_isolated(text))):
            openings = [o for o, closings in wordlists().pairs if closing in closings]
            if not any(o in text for o in openings):
                yield _odd_one(proofs, proof, closing, "・".join(openings))


def _pair(
    proofs: Proofs, proof: Proof, text: str, opening: str, closings: tuple[str, ...]
) -> Iterator[Finding]:
    if opening not in text:
        return
    if not any(closing in text for closing in closings):
        yield _odd_one(proofs, proof, opening, "・".join(closings))
    for other, its in wordlists().pairs:
        wrong = [c for c in its if c in text and c not in closings]
        if wrong and other not in text:
            yield _odd_one(proofs, proof, opening, "・".join(closings))


def _odd_one(proofs: Proofs, proof: Proof, word: str, needed: str) -> Finding:
    place = proofs.find(proof.step, word)
    return proofs.finding(place, "salutation", Severity.ERROR, word=word, needed=needed)


def _isolated(text: str) -> list[str]:
    """Words that stand by themselves, as a close does."""
    return re.findall(r"(?<!\w)\w+(?!\w)", text)


def numbered_items(proofs: Proofs) -> Iterator[Finding]:
    """記 is closed by 以上; 以上 has a 記 before it (an annex may end with one more)."""
    if Channel.LETTER in proofs.notice.channels:
        for step in proofs.notice.steps:
            names = [f"{BASE}/sheet.typ", proofs.folder.named("letter.typ", step)]
            sources = [proofs.sources.by_name[n] for n in names if n in proofs.sources.by_name]
            yield from _unmatched(proofs, _places(sources, _BEGIN), _places(sources, _END))
    for proof in proofs.proofs:
        text = proof.whole
        begins = [_alone(proofs, proof.step, _BEGIN, "記") for _ in _BEGIN_LINE.findall(text)]
        ends = [_alone(proofs, proof.step, _END, "以上") for _ in _END_LINE.findall(text)]
        yield from _unmatched(proofs, begins, ends)


def _unmatched(
    proofs: Proofs, begins: Sequence[Place | None], ends: Sequence[Place | None]
) -> Iterator[Finding]:
    for place in begins[len(ends) :]:
        yield proofs.finding(place, "no_ijo", Severity.ERROR)
    if not begins:
        for place in ends:
            yield proofs.finding(place, "no_ki", Severity.ERROR)


def _alone(proofs: Proofs, step: str, pattern: re.Pattern[str], word: str) -> Place | None:
    """The word where it stands by itself in a template of text, else where it stands at all."""
    texts = [source for source in proofs.sources.all if source.ending == ".txt"]
    return next(iter(_places(texts, pattern)), None) or proofs.find(step, word)


def _places(sources: Sequence[Source], pattern: re.Pattern[str]) -> list[Place]:
    return [Place(s.name, line) for s in sources for line, _ in s.matches(pattern)]
