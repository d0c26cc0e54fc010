"""``notifier lint``: what is wrong with notices before anybody is sent one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from notifier.model.errors import NotFound
from notifier.rendering.errors import BadTemplate
from notifier.rendering.folder import Folder, folders_in
from notifier.rendering.labels import Labels
from notifier.rendering.lint import Finding, Severity, lint_folders
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.reading import figures, prose

from .faults import fail
from .language import language
from .output import emitted_all, err, out, phrase
from .session import settings
from .tables import show

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_FIGURES = (
    "notice", "sentences", "mean", "longest", "kanji", "run", "passives", "doubled", "double no",
)  # fmt: skip


def lint(
    notices: Annotated[list[str] | None, typer.Argument()] = None,
    folder: Annotated[Path | None, typer.Option("--from")] = None,
    figures: Annotated[bool, typer.Option("--figures")] = False,
) -> None:
    """Look notices through; ends with 1 if there is any error."""
    given = settings()
    templates = folder or given.templates
    try:
        known = folders_in(templates)
        for name in notices or ():
            if name not in {notice for _, notice in known}:
                raise NotFound("notice", name)
        found = lint_folders(templates, notices or (), Labels(given.locales))
    except (BadTemplate, NotFound, OSError) as problem:
        fail(problem)
    if figures:
        folders = [f for f in known.values() if isinstance(f, Folder)]
        show(_FIGURES, list(_figures(folders, frozenset(notices or ()))), tuple)
    print_findings(found)
    if any(one.severity is Severity.ERROR for one in found):
        raise typer.Exit(1)


def print_findings(found: Sequence[Finding]) -> None:
    """Print findings a line each, as ``file:line: severity rule message``, and their number."""
    if emitted_all(one.as_json(language()) for one in found):
        return
    for one in found:
        where = f"{one.file}:{one.line}: "
        out.print(where, end="", highlight=False)
        out.print(str(one.severity), end=" ", style=_COLOURS[one.severity], highlight=False)
        out.print(f"{one.rule} {one.message(language())}", highlight=False)
    errors = sum(one.severity is Severity.ERROR for one in found)
    said = phrase("lint.found", errors=errors, warnings=len(found) - errors)
    err.print(said, highlight=False)


def _figures(folders: Sequence[Folder], wanted: frozenset[str]) -> Iterator[tuple[object, ...]]:
    for folder in folders:
        if wanted and folder.notice.name not in wanted:
            continue
        for proof in Proofs(folder).proofs:
            if proof.is_plain:
                measured = figures(prose(proof.words))
                yield (
                    f"{folder.notice.name} {proof.step} {proof.channel}",
                    measured.sentences,
                    f"{measured.mean_sentence:.1f}",
                    measured.longest_sentence,
                    f"{measured.kanji_share:.2f}",
                    measured.kanji_run,
                    measured.passives,
                    measured.doubled,
                    measured.negations,
                )
