"""Lint: what is wrong with a notice before anybody is sent it. See ``docs/lint.md``."""

from collections.abc import Callable, Iterable, Iterator
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
from notifier.rendering.lint import printed as escaping
from notifier.rendering.lint.proofs import Proofs, broken
from notifier.rendering.lint.source import Finding, Severity

__all__ = ["RULES", "Finding", "Severity", "lint", "lint_folders"]

#: All rules, each a function of a notice's proofs.
RULES: Final[tuple[Callable[[Proofs], Iterator[Finding]], ...]] = (
    fields.unknown_fields,
    fields.unused_fields,
    fields.samples,
    japanese.salutations,
    japanese.numbered_items,
    japanese.seasons,
    japanese.haste,
    japanese.promotion,
    japanese.plurals,
    printed.unformatted,
    not_allowed.not_allowed,
    escaping.raw_markup,
    escaping.foreign_links,
    japanese.odd_characters,
    japanese.brackets,
    japanese.dashes,
    mail.subjects,
    mail.both_forms,
    statements.legal_items,
    statements.contradictions,
    statements.asked_by_mail,
    tense.tenses,
    reading.difficulty,
)


def lint(folder: Folder, labels: Labels = LABELS) -> list[Finding]:
    """All findings about one notice, by file and line. Never raises on what a file holds."""
    proofs = Proofs(folder, labels)
    found = {*proofs.failures, *(finding for rule in RULES for finding in rule(proofs))}
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
