"""``notifier events``: events from a file or a pipe."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.intake.envelope import parse_event
from notifier.model.errors import BadInput, FieldError
from notifier.model.event import Event
from notifier.runtime.parts import Parts

from .session import err, person, run, say

if TYPE_CHECKING:
    from rich.progress import Progress

app = typer.Typer(help="Events from billing.", no_args_is_help=True)
_SET = 500
Line = tuple[int, Event]


@app.command("send")
def send(
    file: Annotated[str, typer.Argument(help="JSON lines, one CloudEvent each; - for stdin.")],
) -> None:
    """Send events. The whole file is read first; with one unreadable line nothing is sent.

    Sent in sets of 500, each accepted whole or not at all. Where a set does not fit the record
    (an unknown member, say) sending stops there. Sending a file again is safe: an event that is
    on record already is not taken twice.
    """

    async def work(parts: Parts) -> None:
        lines = read_events(file)
        with _progress() as progress:
            bar = progress.add_task("events", total=len(lines))
            for at in range(0, len(lines), _SET):
                await _send(parts, lines[at : at + _SET])
                progress.advance(bar, len(lines[at : at + _SET]))
        say("events_accepted", count=len(lines))

    run(work)


def read_events(file: str) -> list[Line]:
    """The events of a file (``-``: standard input), each with its line.

    Raises :class:`BadInput` naming every line that is wrong.
    """
    return list(_read(_bytes(file)))


def _bytes(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _read(data: bytes) -> Iterator[Line]:
    found: list[Line] = []
    errors: list[FieldError] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((number, parse_event(line)))
        except BadInput as problem:
            errors += [replace(e, line=number) for e in problem.errors]
    if not found and not errors:
        errors.append(FieldError("file", "empty_file"))
    if errors:
        raise BadInput(errors)
    yield from found


async def _send(parts: Parts, lines: Sequence[Line]) -> None:
    try:
        await parts.acceptor.accept([event for _, event in lines], person())
    except BadInput as problem:
        raise BadInput([replace(e, line=lines[e.index or 0][0]) for e in problem.errors]) from None


def _progress() -> "Progress":
    from rich import progress as bars  # a tenth of the start of every other verb

    columns = (bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeElapsedColumn())
    return bars.Progress(bars.TextColumn("{task.description}"), *columns, console=err)
