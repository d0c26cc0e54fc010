"""``notifier preview``: a notice with its sample data, as it would go out."""

from pathlib import Path
from typing import Annotated

import typer

from notifier import files as files_of
from notifier.app.templates import writer_of
from notifier.channels.registry import adapter_of
from notifier.model.correspondence import Correspondence
from notifier.model.errors import NotFound
from notifier.rendering.samples import PLAIN
from notifier.rendering.writer import Writer

from .faults import fail
from .output import emitted, out
from .session import run, settings

_ALL = "all"


def preview(
    notice: str,
    step: str | None = None,
    sample: str = PLAIN,
    to: Annotated[Path, typer.Option("--to", "-o")] = Path("preview"),
    version: str | None = None,
) -> None:
    """Write a notice as .eml, .html, .txt, .pdf and .png, made by the writer that sends."""
    try:
        writer = _writer(version)
        for name, c in _chosen(writer, notice, step, sample):
            for file in _write(writer, c, f"{notice}-{c.step}{name}", to):
                if not emitted({"file": file}):
                    out.print(str(file), highlight=False)
    except Exception as problem:
        if isinstance(problem, typer.Exit | KeyError | AssertionError | TypeError):
            raise
        fail(problem)


def _writer(version: str | None) -> Writer:
    if version:
        return run(lambda parts: writer_of(parts.engine, parts.writer, version))
    given = settings()
    return Writer(given.templates, given.locales, given.stationery)


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
