"""``notifier templates``: drafts of wording, their checks, publications and the way back."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from notifier.model.errors import NotAllowed, NotFound
from notifier.model.lines import lines_of
from notifier.rendering.folder import Folder
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import templates as store
from notifier.wording.checks import Refused, passes
from notifier.wording.drafts import current_digests
from notifier.wording.drafts import draft as make_draft
from notifier.wording.publishing import Publisher, checked
from notifier.wording.references import IN_FORCE, draft_id, resolve

from .lint import print_findings, print_json
from .session import Limit, err, out, person, run
from .tables import show as show_table

app = typer.Typer(help="Wording: drafts, checks, publications.", no_args_is_help=True)
Draft = Annotated[str, typer.Argument(help="D3, as draft and list say it.")]
Version = Annotated[str, typer.Argument(help="D3, in-force, shipped, a digest, or a folder.")]
Name = Annotated[str, typer.Argument(help="card_error, apology, …")]
Language = Annotated[str, typer.Option(help="In which language.")]
By = Annotated[str, typer.Option("--by", hidden=True)]
Note = Annotated[str, typer.Option("--note", help="What for; it stays on record.")]
_SHORT = 12  # characters of a digest that a person is shown


@app.command()
def draft(
    folder: Annotated[Path, typer.Argument(help="Holds ja/_base and changed notices.")],
    note: Note = "",
) -> None:
    """Keep what differs from what is in force, as a draft."""

    async def work(parts: Parts) -> None:
        number, changes = await make_draft(
            parts.engine,
            parts.writer,
            folder,
            note=note,
            actor=person(),
            now=parts.clock.now(),
        )
        for one in changes:
            was = one.replaces[:_SHORT]
            line = f"D{number} {one.language}/{one.notice} {was} → {one.digest[:_SHORT]}"
            out.print(line, highlight=False)

    run(work)


@app.command()
def check(
    version: Version,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
) -> None:
    """Lint, and write all samples in every form; ends with 1 if it could not be published."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            folders = await resolve(conn, parts.writer, version)
        found = await checked(parts.writer, list(folders.values()))
        (print_json if json else print_findings)(found, parts.settings.locale)
        if not passes(found):
            raise typer.Exit(1)

    run(work)


@app.command()
def publish(draft: Draft, note: Note, by: By = "") -> None:
    """Check a draft and put it in force: messages claimed from now on are written from it."""

    async def work(parts: Parts) -> None:
        try:
            number = await _publisher(parts, by).publish(
                draft_id(draft), note=note, now=parts.clock.now()
            )
        except Refused as refused:
            print_findings(refused.findings, parts.settings.locale)
            raise _not_published(draft, refused) from None
        out.print(f"{draft} P{number}", highlight=False)

    run(work)


@app.command("roll-back")
def roll_back(
    notice: Name,
    note: Note,
    by: By = "",
    to: Annotated[str | None, typer.Option("--to", help="Beginning of a digest.")] = None,
    language: Language = "ja",
) -> None:
    """Publish again what the newest publication replaced, or an older version."""

    async def work(parts: Parts) -> None:
        try:
            number = await _publisher(parts, by).roll_back(
                notice, language, to, note=note, now=parts.clock.now()
            )
        except Refused as refused:
            print_findings(refused.findings, parts.settings.locale)
            raise _not_published(notice, refused) from None
        out.print(f"P{number}", highlight=False)

    run(work)


def _not_published(what: str, refused: Refused) -> NotAllowed:
    count, first = len(refused.errors), refused.errors[0]
    where = f"{first.file}:{first.line}"
    text = f"{what}: {refused}"
    return NotAllowed(text, code="not_published", what=what, count=count, where=where)


def _publisher(parts: Parts, by: str) -> Publisher:
    """A publisher in the name of whoever has signed in; ``by``: an option of former times."""
    who = person()
    if by:
        err.print(label("cli.deprecated_by", parts.settings.locale, login=who.name))
    return Publisher(engine=parts.engine, shipped=parts.writer, by=who.name, actor=who)


@app.command("list")
def list_(
    notice: Annotated[str | None, typer.Argument(help="Of this notice alone.")] = None,
    limit: Limit = 50,
) -> None:
    """Publications, the newest first."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.publications(conn, notice=notice, limit=limit)
        lines = [
            (
                f"P{r['publication_id']}",
                f"{r['language']}/{r['notice']}",
                r["digest"][:_SHORT],
                f"D{r['draft_id']}"
                if r["draft_id"]
                else label("cli.rolled_back", parts.settings.locale),
                r["replaces"][:_SHORT],
                r["published_at"],
                r["published_by"],
                r["note"],
            )
            for r in found
        ]
        columns = ("number", "notice", "version", "draft", "replaces", "published", "by", "note")
        show_table(columns, lines)

    run(work)


@app.command()
def status(limit: Limit = 20) -> None:
    """What is in force, and the newest drafts."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            number = await store.number(conn)
            published = await store.in_force(conn, number)
            current = await current_digests(conn, parts.writer)
            drafts = await store.drafts(conn, limit=limit)

        def word(name: str) -> str:
            return label(f"cli.{name}", parts.settings.locale)

        lines = []
        for key, digest in sorted(current.items()):
            own = parts.writer.folders.get(key)
            differs = own is None or own.digest != digest
            origin = word("published" if key in published else "shipped")
            lines.append(("/".join(key), digest[:_SHORT], origin, word("yes") if differs else ""))
        show_table(("notice", "version", "origin", "differs from shipped"), lines)
        made = [
            (
                f"D{r['draft_id']}",
                r["notices"],
                r["created_at"],
                r["created_by"],
                f"P{r['publication_id']}" if r["publication_id"] else word("draft"),
                r["note"],
            )
            for r in drafts
        ]
        if made:
            show_table(("draft", "notices", "made", "by", "state", "note"), made)

    run(work)


@app.command()
def show(
    version: Version,
    file: Annotated[str | None, typer.Argument(help="apology/words.txt; else a list.")] = None,
) -> None:
    """The files of versions, or the text of one file."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            folders = await resolve(conn, parts.writer, version)
        files = _files(folders)
        if file is None:
            listing = [(name, len(text.encode())) for name, text in files.items()]
            show_table(("file", "bytes"), listing)
            return
        found = [text for name, text in files.items() if name.partition("/")[2] == file]
        if not found:
            raise NotFound("file", file)
        out.out(found[0], end="", highlight=False)

    run(work)


@app.command()
def diff(
    version: Version,
    other: Annotated[str, typer.Argument(help="Against this; what is in force if left out.")] = (
        IN_FORCE
    ),
) -> None:
    """What a version changes, line by line."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            new = await resolve(conn, parts.writer, version)
            old = await resolve(conn, parts.writer, other)
        for line in _changes(old, new):
            out.out(line, highlight=False)

    run(work)


@app.command()
def export(
    notice: Name,
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    version: Annotated[str, typer.Option("--version", help="As for show.")] = IN_FORCE,
    language: Language = "ja",
) -> None:
    """Write the files of a notice into a folder, to be changed and drafted from there."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            folders = await resolve(conn, parts.writer, version)
        found = folders.get((language, notice))
        if found is None:
            raise NotFound("notice", f"{language}/{notice}")
        if folder.exists():
            raise NotAllowed(f"{folder} is there already", code="is_there", path=folder)
        for name, text in found.files.items():
            path = folder / language / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            out.print(str(path), highlight=False)

    run(work)


def _files(folders: Mapping[tuple[str, str], Folder]) -> dict[str, str]:
    """``ja/apology/words.txt`` → text; of shared files, that of the first notice."""
    found: dict[str, str] = {}
    for (language, _), folder in sorted(folders.items()):
        for name, text in sorted(folder.files.items()):
            found.setdefault(f"{language}/{name}", text)
    return found


def _changes(
    old: Mapping[tuple[str, str], Folder], new: Mapping[tuple[str, str], Folder]
) -> Iterator[str]:
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
