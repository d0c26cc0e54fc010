"""``notifier preview``: a notice with its sample data, as it would go out."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.model.errors import NotFound
from notifier.model.states import Channel
from notifier.runtime.parts import Parts
from notifier.wording.references import resolve
from notifier.write.writer import Writer

from .session import fail, out, run, settings

_NAME = "preview"


def preview(
    notice: Annotated[str, typer.Argument(help="card_error, apology, refund, …")],
    step: Annotated[str | None, typer.Option(help="A step of the notice; all if left out.")] = None,
    to: Annotated[Path, typer.Option("--to", "-o", help="Folder.")] = Path("preview"),
    version: Annotated[
        str | None,
        typer.Option(help="D3, in-force, a digest or a folder; what is shipped if left out."),
    ] = None,
) -> None:
    """Write a notice as .eml, .html, .txt, .pdf and .png, made by the writer that sends."""
    given = settings()
    try:
        writer = _writer_of(version) if version else Writer(given.templates, given.locales)
        if notice not in writer.notices:
            raise NotFound("notice", f"{notice} (there are: {', '.join(sorted(writer.notices))})")
        known = writer.notices[notice].steps
        if step is not None and step not in known:
            raise NotFound("step", f"{step} (there are: {', '.join(known)})")
        to.mkdir(parents=True, exist_ok=True)
        for one in (step,) if step else known:
            for file in _write(writer, notice, one, to):
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


def _write(writer: Writer, notice: str, step: str, to: Path) -> list[Path]:
    sample = writer.sample(notice, step)
    files: dict[str, bytes] = {}
    if Channel.EMAIL in writer.notices[notice].channels:
        mail = writer.mail(sample, token=_NAME, message_id=f"<{_NAME}@notifier.example.jp>")
        files |= {
            "eml": mail.data,
            "html": mail.html.encode(),
            "txt": f"{mail.subject}\n\n{mail.text}".encode(),
        }
    if Channel.LETTER in writer.notices[notice].channels:
        files["pdf"] = writer.letter(sample).pdf
        for page, png in enumerate(writer.letter_png(sample), 1):
            files[f"{page}.png"] = png
    written = []
    for ending, data in files.items():
        path = to / f"{notice}-{step}.{ending}"
        path.write_bytes(data)
        written.append(path)
    return written
