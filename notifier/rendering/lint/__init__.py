"""Lint: what is wrong with a notice before anybody is sent it. See ``docs/lint.md``."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from notifier.rendering.errors import BadTemplate
from notifier.rendering.folder import Folder, folders_in
from notifier.rendering.labels import LABELS, Labels
from notifier.rendering.lint import (
    fields,
    japanese,
    mail,
    not_allowed,
    printed,
    reading,
    statements,
    tense,
)
from notifier.rendering.lint.proofs import Proofs, broken
from notifier.rendering.lint.source import Finding, Severity

__all__ = ["Finding", "Severity", "lint", "lint_folders"]

_Rules = tuple[Callable[[Proofs], Iterator[Finding]], ...]
#: Rules for every language, each a function of a notice's proofs.
COMMON: Final[_Rules] = (
    fields.unknown_fields,
    fields.unused_fields,
    fields.samples,
    printed.unformatted,
    not_allowed.not_allowed,
    printed.raw_markup,
    printed.foreign_links,
    mail.subjects,
    mail.both_forms,
)
#: Rules for the wording of one language: they go by its words.
OF_LANGUAGE: Final[Mapping[str, _Rules]] = {
    "ja": (
        japanese.salutations,
        japanese.numbered_items,
        japanese.seasons,
        japanese.haste,
        japanese.promotion,
        japanese.plurals,
        japanese.odd_characters,
        japanese.brackets,
        japanese.dashes,
        statements.legal_items,
        statements.contradictions,
        statements.asked_by_mail,
        tense.tenses,
        reading.difficulty,
    )
}


def lint(folder: Folder, labels: Labels = LABELS) -> list[Finding]:
    """All findings about one notice, by file and line. Never raises on what a file holds."""
    proofs = Proofs(folder, labels)
    rules = (*COMMON, *OF_LANGUAGE.get(folder.language, ()))
    found = {*proofs.failures, *(finding for rule in rules for finding in rule(proofs))}
    return sorted(found)


def lint_folders(
    templates: Path, names: Iterable[str] = (), labels: Labels = LABELS
) -> list[Finding]:
    """All findings about the notices under ``templates/<language>/``, or about those named.

    A notice that cannot be read at all is a finding; the others are looked at all the same.
    """
    wanted, found = frozenset(names), set()
    for (language, name), folder in folders_in(templates).items():
        if wanted and name not in wanted:
            continue
        if isinstance(folder, BadTemplate):
            found.add(broken(language, _text(templates / language, folder.file), folder))
        else:
            found |= set(lint(folder, labels))
    return sorted(found)


def _text(language: Path, file: str) -> dict[str, str]:
    place = language / file
    return {file: place.read_text("utf-8", "replace")} if place.is_file() else {}
