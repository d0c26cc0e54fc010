"""Proofs: the samples of a notice as they are written, in every step, by every channel.

Each sample is written once as it is and once without each of its optional facts, so that what a
template says instead is read, too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from notifier.model.correspondence import Correspondence
from notifier.model.notice import FieldType
from notifier.model.states import Channel
from notifier.rendering import context
from notifier.rendering.errors import BadTemplate, LimitExceeded, WriteError
from notifier.rendering.facts import typed
from notifier.rendering.folder import BASE, Folder
from notifier.rendering.labels import LABELS, Labels
from notifier.rendering.lint.source import Finding, Place, Severity, Source, Sources
from notifier.rendering.lint.wordlists import wordlists
from notifier.rendering.mail.mjml import expanded
from notifier.rendering.samples import PLAIN, read_samples
from notifier.rendering.words import Phrases

_LINE: Final = re.compile(r"\bline ([0-9]{1,6})\b")
_AT_END: Final = "(at end of document)"  # so says tomllib
_POSITION: Final = re.compile(r"\bposition ([0-9]{1,9})\b")
#: Who is looked through first for where a text comes from.
_FIRST: Final = ("words.txt", "subject.txt", "notice.toml", "body.txt", "letter.typ")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One sample, written."""

    step: str
    channel: Channel
    sample: Correspondence
    name: str = PLAIN  # of the sample
    left_out: str = ""  # the optional fact that it goes without
    subject: str = ""  # of a mail
    text: str = ""
    html: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether it is the usual case, neither an extreme nor short of anything."""
        return self.name == PLAIN and not self.left_out

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """All words that it was made of, in pieces, and a mail as a whole."""
        mail = (self.subject, self.text) if self.channel is Channel.EMAIL else ()
        return (*mail, *texts_of(self.words))

    @property
    def whole(self) -> str:
        """What its reader reads."""
        if self.channel is Channel.EMAIL:
            return f"{self.subject}\n{self.text}"
        return "\n".join(texts_of(self.words))

    @property
    def is_apology(self) -> bool:
        """Whether it is to be read as one."""
        heading = str(self.words.get("heading", ""))
        return any(word in heading for word in wordlists().apologies)


class Proofs:
    """A notice under lint: its files, and what they make of its samples."""

    def __init__(self, folder: Folder, labels: Labels = LABELS) -> None:
        self.folder, self.notice = folder, folder.notice
        own = [n for n in folder.files if not n.startswith(f"{BASE}/")]
        order = sorted(own, key=_rank) + sorted(set(folder.files) - set(own))
        self.sources = Sources([Source(name, folder.files[name]) for name in order])
        self.failures: list[Finding] = []
        self.proofs: list[Proof] = []
        self._write(labels)

    @property
    def is_apology(self) -> bool:
        """Whether all of it is one."""
        return any(word in self.notice.title for word in wordlists().apologies)

    def finding(
        self, place: Place | None, rule: str, severity: Severity, **about: object
    ) -> Finding:
        """A finding; without a place it is the notice's as a whole."""
        place = place or Place(f"{self.notice.name}/notice.toml", 1)
        said = tuple((name, str(value)) for name, value in about.items())
        return Finding(f"{self.folder.language}/{place.file}", place.line, rule, severity, said)

    def find(self, step: str, text: str, around: str = "") -> Place | None:
        """Where a text of a message of a step comes from: files of the step come first."""
        mine = {self.folder.named(file, step): None for file in (*_FIRST, "sample.json")}
        first = [self.sources.by_name[name] for name in mine if name in self.sources.by_name]
        others = {n.name for n in self.sources.all if _belongs_elsewhere(n.name, mine)}
        rest = [s for s in self.sources.all if s.name not in mine and s.name not in others]
        return Sources([*first, *rest]).find(text, around)

    def line(self, file: str, *texts: str) -> Place:
        """The line of a file of the notice that holds the last of several texts, in this order."""
        name = file if "/" in file else f"{self.notice.name}/{file}"
        lines = self.folder.files.get(name, "").split("\n")
        at = 0
        for text in texts:
            at = next((n for n in range(at, len(lines)) if text in lines[n]), at)
        return Place(name, at + 1)

    def _write(self, labels: Labels) -> None:
        try:
            phrases = Phrases(self.folder, labels)
        except (BadTemplate, RecursionError) as error:
            self.failures.append(broken(self.folder.language, self.folder.files, error))
            return
        for step in self.notice.steps:
            try:
                samples = read_samples(self.folder, step)
            except BadTemplate as error:
                self.failures.append(broken(self.folder.language, self.folder.files, error))
                continue
            for name, sample in samples.items():
                for left_out, one in _with_and_without(self, step, name, sample):
                    for channel in self.notice.channels:
                        self._write_one(phrases, channel, name, left_out, one)

    def _write_one(
        self, phrases: Phrases, channel: Channel, name: str, left_out: str, c: Correspondence
    ) -> None:
        try:
            made = proof(phrases, channel, c)
            self.proofs.append(replace(made, name=name, left_out=left_out))
        except WriteError as error:
            at = error.line if isinstance(error, LimitExceeded) else 0
            place = Place(error.field, at) if at else self._place_of(c.step, error.field)
            self.failures.append(
                self.finding(
                    place,
                    "not_written",
                    Severity.ERROR,
                    step=c.step,
                    channel=channel,
                    field=error.field,
                    why=error.message,
                    without=left_out or "-",
                )
            )

    def _place_of(self, step: str, field: str) -> Place:
        """The line that a field which broke a message is used in, else where it is declared."""
        for file in (*_FIRST[:2], "body.txt"):
            name = self.folder.named(file, step)
            source = self.sources.by_name.get(name)
            if source and (line := source.line_of(field)):
                return Place(name, line)
        return self.line("notice.toml", field)


def proof(phrases: Phrases, channel: Channel, c: Correspondence) -> Proof:
    """A sample, written. Raises :class:`WriteError`."""
    values = context.values(c, phrases.folder.notice, channel)
    try:
        words = phrases.plain_words(c.step, values)
        if channel is not Channel.EMAIL:
            return Proof(step=c.step, channel=channel, sample=c, words=words)
        pages = phrases.mail(c.step, values)
    except RecursionError:
        raise WriteError("template", "goes round in circles") from None
    return Proof(
        step=c.step,
        channel=channel,
        sample=c,
        subject=pages.subject,
        text=pages.text,
        html=pages.html,
        words=words,
    )


def texts_of(data: Any) -> tuple[str, ...]:
    """All texts in words, in their order."""
    if isinstance(data, str):
        return (str(data),)
    items = data.values() if isinstance(data, Mapping) else data
    if not isinstance(data, Mapping | list | tuple):
        return ()
    return tuple(text for item in items for text in texts_of(item))


def broken(language: str, files: Mapping[str, str], error: BadTemplate | RecursionError) -> Finding:
    """A file that cannot be used at all."""
    if isinstance(error, RecursionError):
        place = Place(f"{BASE}/words.txt", 1)
        why: tuple[tuple[str, str], ...] = ("key", ""), ("why", "RecursionError")
    else:
        place = _in_page(files, error) or Place(error.file, _line_of(files, error))
        why = ("key", error.key), ("why", error.message)
    return Finding(f"{language}/{place.file}", place.line, "broken", Severity.ERROR, why)


def _line_of(files: Mapping[str, str], error: BadTemplate) -> int:
    """The line that an error names; else that of the key that it names."""
    found = _LINE.search(f"{error.key} {error.message}")
    if found:
        return int(found[1])
    key = error.key.rpartition(".")[2]
    lines = files.get(error.file, "").split("\n")
    if _AT_END in error.message:
        return len(lines)
    return next((n for n, text in enumerate(lines, 1) if key and key in text), 1)


def _in_page(files: Mapping[str, str], error: BadTemplate) -> Place | None:
    """Where a page is wrong, which may be in what it includes."""
    wrong = _at_position(files, error) or error.key
    if not error.file.endswith(".mjml") or not wrong:
        return None
    for name in (error.file, *(n for n in files if n.endswith(".mjml"))):
        if (at := files.get(name, "").find(wrong)) >= 0:
            return Place(name, files[name].count("\n", 0, at) + 1)
    return None


def _at_position(files: Mapping[str, str], error: BadTemplate) -> str:
    """MJML names a byte of the page with all that it includes: the rest of the line from there."""
    found = _POSITION.search(error.message)
    if not found or error.file not in files:
        return ""
    try:
        page = expanded(error.file, files).encode()[int(found[1]) :].decode(errors="ignore")
    except BadTemplate:
        return ""
    return page.split("\n")[0]


def _with_and_without(
    proofs: Proofs, step: str, name: str, sample: Correspondence
) -> Iterator[tuple[str, Correspondence]]:
    yield "", sample
    if name != PLAIN:
        return
    try:
        typed(proofs.notice, step, sample.facts)
    except WriteError:
        return  # the sample itself is reported
    for spec in proofs.notice.fields_for(step):
        given = sample.facts.get(spec.name)
        if spec.optional and given not in (None, "", False):
            facts = {**sample.facts, spec.name: False if spec.type is FieldType.FLAG else None}
            yield spec.name, replace(sample, facts=facts)


def _rank(name: str) -> tuple[int, str]:
    place = [n for n, file in enumerate(_FIRST) if name.endswith(file)]
    return (place or [len(_FIRST)])[0], name


def _belongs_elsewhere(name: str, mine: Mapping[str, None]) -> bool:
    """Whether a file stands for another step: ``<other step>.<file>``."""
    folder, _, file = name.rpartition("/")
    if folder == BASE:
        return False
    return name not in mine and file.count(".") > 1
