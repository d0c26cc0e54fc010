"""Extremes: whether a version stays within the limits at its longest, and in each of its branches.

What else may be wrong with a sample that nobody has written is not asked here: only limits.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from notifier.model.correspondence import Correspondence
from notifier.model.notice import FieldType
from notifier.model.states import Channel
from notifier.rendering import context
from notifier.rendering.errors import BadTemplate, LimitExceeded, WriteError
from notifier.rendering.folder import Folder
from notifier.rendering.labels import LABELS
from notifier.rendering.lint import Finding, Severity
from notifier.rendering.samples import read_samples
from notifier.rendering.text.exploring import Branches
from notifier.rendering.words import Phrases

#: As long as intake takes them.
_TEXT: Final = 600
_LINE: Final = 200
_MANY: Final = 50  # of lists and records
_LONGEST: Final = "longest"


def beyond_limits(folder: Folder) -> list[Finding]:
    """Where a version breaks the limits: with longest values, or in a branch that no sample takes.

    The samples themselves are somebody else's to write. Pure, a second or two.
    """
    branches = Branches()
    try:
        phrases = Phrases(folder, LABELS, branches.sandbox)
    except BadTemplate:
        return []  # which lint has found
    found = set(_all(folder, phrases))
    for (place, answer), forced in list(branches.unseen()):
        if (place, answer) not in branches.seen:
            branches.forced = forced
            name = f"{place[0]}:{place[1]} → {answer}"
            found |= {*_longest(folder, phrases, name, place[:2])}
    return sorted(found)


def _all(folder: Folder, phrases: Phrases) -> Iterator[Finding]:
    for step in folder.notice.steps:
        for name, c in read_samples(folder, step).items():
            yield from _tried(folder, phrases, c, name)
    yield from _longest(folder, phrases, _LONGEST)


def _longest(
    folder: Folder, phrases: Phrases, name: str, at: tuple[str, int] = ("", 0)
) -> Iterator[Finding]:
    for step in folder.notice.steps:
        c = next(iter(read_samples(folder, step).values()))
        yield from _tried(folder, phrases, longest(folder, c), name, at)


def _tried(
    folder: Folder,
    phrases: Phrases,
    c: Correspondence,
    name: str,
    at: tuple[str, int] = ("", 0),
) -> Iterator[Finding]:
    """``at``: the branch that is tried, where a fault shows only once all has been run."""
    for channel in folder.notice.channels:
        fault = _fault(phrases, c, channel)
        if fault:
            said = ("step", c.step), ("channel", str(channel)), ("sample", name)
            file = f"{folder.language}/{fault.field}"
            why = ("why", fault.message)
            line = fault.line or (at[1] if at[0] == fault.field else 0) or 1
            yield Finding(file, line, "beyond_limits", Severity.ERROR, (*said, why))


def _fault(phrases: Phrases, c: Correspondence, channel: Channel) -> LimitExceeded | None:
    try:
        _write(phrases, c, channel)
    except LimitExceeded as error:
        return error
    except WriteError:
        return None
    return None


def _write(phrases: Phrases, c: Correspondence, channel: Channel) -> None:
    values = context.values(c, phrases.folder.notice, channel)
    if channel is Channel.EMAIL:
        phrases.mail(c.step, values)
    else:
        phrases.plain_words(c.step, values)


def longest(folder: Folder, c: Correspondence) -> Correspondence:
    """A sample with values as long, and lists with as many items, as there can be."""
    facts = dict(c.facts)
    for spec in folder.notice.fields_for(c.step):
        value = facts.get(spec.name)
        if spec.type in (FieldType.TEXTS, FieldType.ROWS, FieldType.RECORDS) and value:
            facts[spec.name] = [value[n % len(value)] for n in range(_MANY)]
        elif spec.type is FieldType.TEXT and value and len(str(value)) > _LINE // 10:
            facts[spec.name] = _stretched(str(value), _TEXT)
    to: Any = c.recipient
    name = replace(to, name=_stretched(to.name, _LINE))
    policies = tuple(f"{policy}-{n}" for n in range(_MANY) for policy in c.policies[:1])
    return replace(c, facts=facts, recipient=name, policies=policies)


def _stretched(text: str, length: int) -> str:
    return (text * (length // len(text) + 1))[:length].strip() if text else text
