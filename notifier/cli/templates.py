"""``notifier templates``: drafts of wording, their checks, publications and the way back."""

import difflib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from notifier.app import templates
from notifier.app.publishing import Publisher
from notifier.app.templates import InForce, Key, short
from notifier.app.wording import IN_FORCE, draft_id
from notifier.app.wording import draft as make_draft
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.lines import lines_of
from notifier.model.template_version import DraftLine, Publication
from notifier.rendering.folder import Folder
from notifier.rendering.publication import Refused, passes
from notifier.runtime.parts import Parts

from .faults import fail
from .language import as_json, word
from .lint import print_findings
from .output import emit, emitted, emitted_all, err, out, phrase, plain
from .session import Limit, acting, person, run
from .tables import show as show_table
from .verbs import Verbs

app = Verbs()
DraftName = Annotated[str, typer.Argument(metavar="DRAFT")]
Version = Annotated[str, typer.Argument(metavar="VERSION")]
Language = Annotated[str, typer.Option("--language")]
By = Annotated[str, typer.Option("--by", hidden=True)]
NoteOf = Annotated[str, typer.Option("--note")]
_LIST = ("number", "notice", "version", "draft", "replaces", "published", "by", "note")
_STATUS = ("notice", "version", "origin", "differs from shipped")
_DRAFTS = ("draft", "notices", "made", "by", "state", "note")


@app.command("draft")
def draft(folder: Path, note: NoteOf = "") -> None:
    """Keep what differs from what is in force, as a draft."""
    number, changes = run(
        lambda parts: make_draft(parts.engine, parts.writer, folder, note=note, **acting(parts))
    )
    if emitted_all({"draft": f"D{number}", **plain(one)} for one in changes):
        return
    for one in changes:
        versions = f"{short(one.replaces)} → {short(one.digest)}"
        out.print(f"D{number} {one.language}/{one.notice} {versions}", highlight=False)


@app.command("check")
def check(version: Version) -> None:
    """Lint, and write all samples in every form; ends with 1 if it could not be published."""
    found = run(lambda parts: templates.check(parts.engine, parts.writer, version))
    print_findings(found)
    if not passes(found):
        raise typer.Exit(1)


@app.command("publish")
def publish(draft: DraftName, note: NoteOf, by: By = "") -> None:
    """Check a draft and put it in force: messages claimed from now on are written from it."""
    number = _published(
        draft,
        lambda parts: _publisher(parts, by).publish(
            draft_id(draft), note=note, now=parts.clock.now()
        ),
    )
    if not emitted({"draft": draft, "publication": f"P{number}"}):
        out.print(f"{draft} P{number}", highlight=False)


@app.command("roll-back")
def roll_back(
    notice: str,
    note: NoteOf,
    by: By = "",
    to: Annotated[str | None, typer.Option("--to")] = None,
    language: Language = "ja",
) -> None:
    """Publish again what the newest publication replaced, or an older version."""
    number = _published(
        notice,
        lambda parts: _publisher(parts, by).roll_back(
            notice, language, to, note=note, now=parts.clock.now()
        ),
    )
    if not emitted({"publication": f"P{number}"}):
        out.print(f"P{number}", highlight=False)


def _publisher(parts: Parts, by: str) -> Publisher:
    """A publisher in the name of whoever has signed in; ``by``: an option of former times."""
    who = person()
    if by:
        err.print(phrase("cli.deprecated_by", login=who.name))
    return Publisher(engine=parts.engine, shipped=parts.writer, by=who.name, actor=who)


def _published(what: str, publication: Callable[[Parts], Awaitable[int]]) -> int:
    """Publish something; print the findings about what does not pass."""

    async def work(parts: Parts) -> int:
        try:
            return await publication(parts)
        except Refused as refused:
            print_findings(refused.findings)
            count, first = len(refused.errors), refused.errors[0]
            about = {"what": what, "count": count, "where": f"{first.file}:{first.line}"}
            raise NotAllowed(f"{what}: {refused}", code="not_published", **about) from None

    return run(work)


@app.command("list")
def list_(notice: Annotated[str | None, typer.Argument()] = None, limit: Limit = 50) -> None:
    """Print publications, the newest first."""
    found = run(lambda parts: templates.publications(parts.engine, notice=notice, limit=limit))
    show_table(_LIST, found, _publication)


def _publication(p: Publication) -> tuple[object, ...]:
    return (
        f"P{p.publication_id}",
        f"{p.language}/{p.notice}",
        short(p.digest),
        f"D{p.draft_id}" if p.draft_id else word("cli", "rolled_back"),
        short(p.replaces),
        p.published_at,
        p.published_by,
        p.note,
    )


@app.command("status")
def status(limit: Limit = 20) -> None:
    """Print what is in force, and the newest drafts."""
    found = run(lambda parts: templates.status(parts.engine, parts.writer, limit=limit))
    if emitted(found):
        return
    show_table(_STATUS, found.in_force, _in_force)
    if found.drafts:
        show_table(_DRAFTS, found.drafts, _draft)


def _in_force(v: InForce) -> tuple[object, ...]:
    origin = word("cli", "published" if v.is_published else "shipped")
    differs = word("cli", "yes") if v.differs else ""
    return f"{v.language}/{v.notice}", short(v.digest), origin, differs


def _draft(d: DraftLine) -> tuple[object, ...]:
    state = f"P{d.publication_id}" if d.publication_id else word("cli", "draft")
    return f"D{d.draft_id}", d.notices, d.created_at, d.created_by, state, d.note


@app.command("show")
def show(version: Version, file: Annotated[str | None, typer.Argument()] = None) -> None:
    """Print the files of versions, or the text of one file."""
    [folders] = _versions(version)
    if file is None:
        files = templates.files_of(folders)
        sizes = [{"file": name, "bytes": len(text.encode())} for name, text in files.items()]
        show_table(("file", "bytes"), sizes, lambda f: tuple(f.values()))
        return
    text = _text(folders, file)
    if not emitted({"file": file, "text": text}):
        out.out(text, end="", highlight=False)


def _versions(*references: str) -> list[dict[Key, Folder]]:
    return run(lambda parts: templates.versions(parts.engine, parts.writer, *references))


def _text(folders: Mapping[Key, Folder], file: str) -> str:
    try:
        return templates.file_of(folders, file)
    except NotFound as problem:
        fail(problem)


@app.command("diff")
def diff(version: Version, other: Annotated[str, typer.Argument()] = IN_FORCE) -> None:
    """Print what a version changes, line by line."""
    new, old = _versions(version, other)
    for line in _changes(old, new):
        if as_json():
            emit({"line": line})
        else:
            out.out(line, highlight=False)


@app.command("export")
def export(
    notice: str,
    folder: Path,
    version: Annotated[str, typer.Option("--version")] = IN_FORCE,
    language: Language = "ja",
) -> None:
    """Write the files of a notice into a folder, to be changed and drafted from there."""
    if folder.exists():
        fail(NotAllowed(f"{folder} is there already", code="is_there", path=folder))

    async def work(parts: Parts) -> Folder:
        [folders] = await templates.versions(parts.engine, parts.writer, version)
        found = folders.get((language, notice))
        if found is None:
            raise NotFound("notice", f"{language}/{notice}")
        return found

    found = run(work)
    written = [folder / language / name for name in found.files]
    for path, text in zip(written, found.files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    if not emitted_all({"file": path} for path in written):
        for path in written:
            out.print(str(path), highlight=False)


def _changes(old: Mapping[Key, Folder], new: Mapping[Key, Folder]) -> Iterator[str]:
    for key in sorted(new):
        before = dict(old[key].files) if key in old else {}
        after = new[key].files
        for name in sorted(before.keys() | after.keys()):
            yield from difflib.unified_diff(
                lines_of(before.get(name, "")),
                lines_of(after.get(name, "")),
                f"{key[0]}/{name} ({key[1]}, before)",
                f"{key[0]}/{name} ({key[1]}, after)",
                lineterm="",
            )
