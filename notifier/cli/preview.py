"""``notifier preview``: a notice with its sample data, as it would go out."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.model.errors import NotFound
from notifier.model.states import Channel
from notifier.write.writer import Writer

from .session import fail, out, settings

_NAME = "preview"


def preview(
    notice: Annotated[str, typer.Argument(help="card_error, apology, refund, …")],
    step: Annotated[str | None, typer.Option(help="A step of the notice; all if left out.")] = None,
    to: Annotated[Path, typer.Option("--to", "-o", help="Folder.")] = Path("preview"),
) -> None:
    """Write a notice as .eml, .html, .txt, .pdf and .png, made by the writer that sends."""
    given = settings()
    try:
        writer = Writer(given.templates, given.locales, given.stationery)
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
        if isinstance(problem, KeyError | AssertionError | TypeError):
            raise
        fail(problem)


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
