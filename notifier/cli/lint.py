"""``notifier lint``: what is wrong with notices before anybody is sent one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer

from notifier.model.errors import NotFound
from notifier.rendering.errors import BadTemplate
from notifier.rendering.folder import Folder, folders_in
from notifier.rendering.labels import Labels, label
from notifier.rendering.lint import Finding, Severity, lint_folders
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.reading import figures, prose

from .session import err, fail, out, settings
from .tables import show

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def lint(
    notices: Annotated[
        list[str] | None, typer.Argument(help="card_error, apology, …; all if left out.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--from", help="A folder such as templates/ with a draft.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="How hard each is to read.")] = False,
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
        _figures([f for f in known.values() if isinstance(f, Folder)], frozenset(notices or ()))
    if json:
        print_json(found, given.locale)
    else:
        print_findings(found, given.locale)
    if any(one.severity is Severity.ERROR for one in found):
        raise typer.Exit(1)


def print_json(found: Sequence[Finding], language: str) -> None:
    """Findings as a JSON list."""
    out.out(orjson.dumps([one.as_json(language) for one in found]).decode(), highlight=False)


def print_findings(found: Sequence[Finding], language: str) -> None:
    """Findings a line each, as ``file:line: severity rule message``, and their number."""
    for one in found:
        where = f"{one.file}:{one.line}: "
        out.print(where, end="", highlight=False)
        out.print(str(one.severity), end=" ", style=_COLOURS[one.severity], highlight=False)
        out.print(f"{one.rule} {one.message(language)}", highlight=False)
    errors = sum(one.severity is Severity.ERROR for one in found)
    said = label("lint.found", language, errors=errors, warnings=len(found) - errors)
    err.print(said, highlight=False)


def _figures(folders: Sequence[Folder], wanted: frozenset[str]) -> None:
    lines = []
    for folder in folders:
        if wanted and folder.notice.name not in wanted:
            continue
        for proof in Proofs(folder).proofs:
            if proof.is_plain:
                measured = figures(prose(proof.words))
                lines.append(
                    (
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
                )
    show(
        (
            "notice",
            "sentences",
            "mean",
            "longest",
            "kanji",
            "run",
            "passives",
            "doubled",
            "double no",
        ),
        lines,
    )
