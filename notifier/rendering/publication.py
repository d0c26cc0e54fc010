"""Checks: what a version must pass before it may be published.

Lint, all samples written in every form by the engine that sends, and nothing changed that the
program relies on.
"""

from collections.abc import Iterator
from typing import Final

from notifier.model.notice import FieldSpec, Notice
from notifier.model.states import Channel
from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.extremes import beyond_limits
from notifier.rendering.folder import Folder
from notifier.rendering.lint import Finding, Severity, lint
from notifier.rendering.lint.proofs import broken
from notifier.rendering.writer import Writer

#: What the rules, the queues and the record go by. It changes with the program, not with wording.
_POLICY: Final = (
    "lane", "channels", "steps", "expires_after", "uncertain", "retention_years", "attempts",
    "asks_for_payment", "binding", "plans", "cut_off", "any_time", "unsubscribe", "fallback",
    "window", "together",
)  # fmt: skip
_TOKEN: Final = "check"  # noqa: S105 (of a mail that nobody gets)


class Refused(Exception):
    """A version that does not pass; nothing was published."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.errors = errors = [one for one in findings if one.severity is Severity.ERROR]
        first = errors[0]
        where = f"{first.file}:{first.line}"
        super().__init__(f"{len(errors)} errors; the first: {where} ({first.rule})")


def check(writer: Writer, folder: Folder) -> list[Finding]:
    """All findings about a version that is to take its place in a writer. Pure, some seconds."""
    found = [*lint(folder), *_changed_policy(writer, folder)]
    if passes(found):
        found += [*beyond_limits(folder), *written(writer, folder)]
    return sorted(found)


def passes(findings: list[Finding]) -> bool:
    """Whether a version with these findings may be published."""
    return not any(one.severity is Severity.ERROR for one in findings)


def written(writer: Writer, folder: Folder) -> list[Finding]:
    """What keeps the samples of a version from being written as mails and letters."""
    try:
        trial = writer.with_versions([writer.wording(folder)])
    except BadTemplate as error:
        return [broken(folder.language, folder.files, error)]
    return [
        _error(folder, "not_written", step=step, channel=channel, without="-", **problem)
        for step in folder.notice.steps
        for channel in folder.notice.channels
        for problem in _problems(trial, folder, step, channel)
    ]


def _problems(
    trial: Writer, folder: Folder, step: str, channel: Channel
) -> Iterator[dict[str, str]]:
    for sample in trial.samples(folder.notice.name, step, folder.language).values():
        try:
            if channel is Channel.EMAIL:
                trial.mail(sample, token=_TOKEN, message_id=f"<{_TOKEN}@notifier.example.jp>")
            elif channel.rules.paper:
                trial.letter(sample)
        except WriteError as error:
            yield {"field": error.field, "why": error.message}


def _changed_policy(writer: Writer, folder: Folder) -> Iterator[Finding]:
    shipped = writer.folders.get((folder.language, folder.notice.name))
    if shipped is None:
        yield _error(folder, "unknown_notice", name=folder.notice.name)
        return
    for name in _POLICY:
        if getattr(folder.notice, name) != getattr(shipped.notice, name):
            yield _error(folder, "policy_changed", name=name)
    for step in set(folder.notice.steps) & set(shipped.notice.steps):
        for name in _unfilled(folder.notice, shipped.notice, step):
            yield _error(folder, "field_changed", name=name, step=step)


def _unfilled(new: Notice, shipped: Notice, step: str) -> list[str]:
    """Fields that the program does not fill, or fills with something else."""
    known = {spec.name: spec for spec in shipped.fields_for(step)}
    wrong = []
    for spec in new.fields_for(step):
        old = known.get(spec.name)
        if old is None or not _filled(old, spec):
            wrong.append(spec.name)
    return wrong


def _filled(old: FieldSpec, new: FieldSpec) -> bool:
    if old.type is not new.type or (old.optional and not new.optional):
        return False
    if new.role not in (None, old.role):  # of the guard, which goes by the program's own
        return False
    known = {part.name: part for part in old.parts}
    return all(p.name in known and _filled(known[p.name], p) for p in new.parts)


def _error(folder: Folder, rule: str, **about: object) -> Finding:
    """A finding about a notice as a whole, at the line of ``notice.toml`` that names it."""
    file = f"{folder.notice.name}/notice.toml"
    lines = folder.files[file].split("\n")
    name = str(about.get("name", about.get("field", "")))
    line = next((n for n, text in enumerate(lines, 1) if name and text.startswith(name)), 1)
    said = tuple((key, str(value)) for key, value in about.items())
    return Finding(f"{folder.language}/{file}", line, rule, Severity.ERROR, said)
