"""Tense: what lies before the date of a message is told as done, what lies after it as to come.

Each date is held against the first verb behind it, as far as the next date or the end of the
sentence; and "as below" (下記のとおり) against the time that a table of the message gives. The day
of the message itself may be told in either way.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from notifier.rendering import context
from notifier.rendering.lint.proofs import Proof, Proofs, texts_of
from notifier.rendering.lint.source import Finding, Severity
from notifier.rendering.lint.wordlists import wordlists

_DATE: Final = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日(?:（[月火水木金土日]）)?")
_SENTENCE: Final = re.compile(r"[^。！？\n]+")
_BREAKS: Final = re.compile(r"\s*\n\s*")
_HALF_YEAR: Final = timedelta(days=183)


def tenses(proofs: Proofs) -> Iterator[Finding]:
    """Verbs that do not agree with the calendar."""
    for proof in proofs.proofs:
        today = context.issued_on(proof.sample.written_at)
        for what, day, past in dict.fromkeys(_disagreeing(proof, today)):
            place = proofs.find(proof.step, what.rpartition("日")[2], what)
            rule = "told_as_done" if past else "told_as_to_come"
            about = {"what": what[-40:], "day": day.isoformat(), "step": proof.step}
            yield proofs.finding(place, rule, Severity.ERROR, **about)


def _disagreeing(proof: Proof, today: date) -> Iterator[tuple[str, date, bool]]:
    """(text up to the verb, the date, whether the verb is one of the past)."""
    subject = (proof.subject,) if proof.subject else ()
    texts = [_BREAKS.sub("", text) for text in (*subject, *_told(proof.words))]
    times = [d for t in _timed(proof.words) for _, d in _dates(t, today)]
    for text in texts:
        for sentence in _SENTENCE.findall(text):
            yield from _in_sentence(sentence, today)
            yield from _below(sentence, times, today)


def _in_sentence(sentence: str, today: date) -> Iterator[tuple[str, date, bool]]:
    found = list(_dates(sentence, today))
    ends = [match.start() for match, _ in found]
    for n, (match, day) in enumerate(found, 1):
        behind = sentence[match.end() : ends[n] if n < len(ends) else None]
        verb = wordlists().verb.search(behind)
        if verb and not wordlists().named_by_date.match(behind):
            past = verb.lastgroup == "past"
            if (day < today and not past) or (day > today and past):
                yield sentence[match.start() : match.end() + verb.end()], day, past


def _below(sentence: str, times: list[date], today: date) -> Iterator[tuple[str, date, bool]]:
    """What is promised, or told as done, "as below", where the table has the time of it."""
    match = wordlists().given_below.search(sentence)
    verb = wordlists().verb.search(sentence, match.end()) if match else None
    if not match or not verb:
        return
    past = verb.lastgroup == "past"
    for day in times:
        if (day < today and not past) or (day > today and past):
            yield sentence[match.start() : verb.end()], day, past


def _told(words: Any) -> Iterator[str]:
    """All that is said: texts, and each row of a table as one."""
    if isinstance(words, dict):
        for name, value in words.items():
            if name in ("rows", "sum") and isinstance(value, list):
                rows = value if name == "rows" else [value]
                yield from ("：".join(texts_of(row)) for row in rows)
            else:
                yield from _told(value)
    elif isinstance(words, list | tuple):
        for item in words:
            yield from _told(item)
    elif isinstance(words, str):
        yield words


def _timed(words: Any) -> Iterator[str]:
    """Values of rows that say when something is done."""
    if isinstance(words, list | tuple) and all(isinstance(one, str) for one in words):
        label, *values = words or ("",)
        if wordlists().time_label.search(label):
            yield from values
    items = words.values() if isinstance(words, dict) else words
    for item in items if isinstance(words, dict | list | tuple) else ():
        yield from _timed(item)


def _dates(text: str, today: date) -> Iterator[tuple[re.Match[str], date]]:
    for match in _DATE.finditer(text):
        if (day := _day(match, today)) is not None:
            yield match, day


def _day(match: re.Match[str], today: date) -> date | None:
    """The day that is meant; one without a year is the one next to the message's."""
    year, month, number = match.groups()
    try:
        if year:
            return date(int(year), int(month), int(number))
        near = (date(today.year + more, int(month), int(number)) for more in (0, -1, 1))
        return next((day for day in near if abs(day - today) <= _HALF_YEAR), None)
    except ValueError:
        return None
