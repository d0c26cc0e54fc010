"""Japanese: odd characters, forms of a letter (拝啓 and 敬具, 記 and 以上), tone."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from notifier.model.states import Channel
from notifier.rendering.folder import BASE
from notifier.rendering.lint.proofs import Proof, Proofs
from notifier.rendering.lint.source import Finding, Place, Severity, Source
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
