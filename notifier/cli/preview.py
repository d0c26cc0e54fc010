"""``notifier preview``: a notice with its sample data, as it would go out."""

from pathlib import Path
from typing import Annotated

import typer

from notifier import files as files_of
from notifier.app.wording import resolve
from notifier.channels.registry import adapter_of
from notifier.model.correspondence import Correspondence
from notifier.model.errors import NotFound
from notifier.rendering.samples import PLAIN
from notifier.rendering.writer import Writer
from notifier.runtime.parts import Parts

from .session import fail, out, run, settings

_ALL = "all"


def preview(
    notice: Annotated[str, typer.Argument(help="card_error, apology, refund, …")],
    step: Annotated[str | None, typer.Option(help="A step of the notice; all if left out.")] = None,
    sample: Annotated[str, typer.Option(help="plain, longest, …, or all of them.")] = PLAIN,
    to: Annotated[Path, typer.Option("--to", "-o", help="Folder.")] = Path("preview"),
    version: Annotated[
        str | None,
        typer.Option(help="D3, in-force, a digest or a folder; what is shipped if left out."),
    ] = None,
) -> None:
    """Write a notice as .eml, .html, .txt, .pdf and .png, made by the writer that sends."""
    given = settings()
    try:
        writer = (
            _writer_of(version)
            if version
            else Writer(given.templates, given.locales, given.stationery)
        )
        for name, c in _chosen(writer, notice, step, sample):
            for file in _write(writer, c, f"{notice}-{c.step}{name}", to):
                out.print(str(file), highlight=False)
    except Exception as problem:
        if isinstance(problem, typer.Exit | KeyError | AssertionError | TypeError):
            raise
        fail(problem)


def _writer_of(version: str) -> Writer:
    """The writer that would send if a version were in force."""

    async def work(parts: Parts) -> Writer:
        async with parts.engine.connect() as conn:
            folders = await resolve(conn, parts.writer, version)
        return parts.writer.with_versions(map(parts.writer.wording, folders.values()))

    return run(work)


def _chosen(
    writer: Writer, notice: str, step: str | None, sample: str
) -> list[tuple[str, Correspondence]]:
    """The samples that were asked for, each with what its files' names end in."""
    if notice not in writer.notices:
        raise NotFound("notice", notice, known=sorted(writer.notices))
    known = writer.notices[notice].steps
    if step is not None and step not in known:
        raise NotFound("step", step, known=list(known))
    named = [
        (name, c)
        for one in ((step,) if step else known)
        for name, c in writer.samples(notice, one).items()
    ]
    found = [(name, c) for name, c in named if sample in (name, _ALL)]
    if not found:
        raise NotFound("sample", sample, known=list(dict.fromkeys(name for name, _ in named)))
    return [("" if name == PLAIN else f"-{name}", c) for name, c in found]


def _write(writer: Writer, c: Correspondence, name: str, to: Path) -> list[Path]:
    files: dict[str, bytes] = {}
    for channel in writer.notices[c.notice].channels:
        files |= adapter_of(channel).preview(writer, c)
    files_of.make_folder(to)
    written = []
    for ending, data in files.items():
        path = to / f"{name}.{ending}"
        files_of.write(path, data)
        written.append(path)
    return written
