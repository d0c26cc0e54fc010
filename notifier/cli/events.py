"""``notifier events``: events from a file or a pipe."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.app import events, undecided
from notifier.app.events import Line
from notifier.app.lookups import near
from notifier.intake.envelope import parse_event
from notifier.model.characters import printable
from notifier.model.errors import BadInput, FieldError
from notifier.model.event import TYPES
from notifier.runtime.clock import clock_of
from notifier.runtime.parts import Parts
from notifier.runtime.settings import BadSettings

from .faults import cross, sentence
from .language import language, wrong_use
from .output import emit, emitted, err, out, phrase, say
from .session import acting, person, run, settings
from .tables import show
from .verbs import Verbs

if TYPE_CHECKING:
    from rich.progress import Progress

app = Verbs()
EventFile = Annotated[str, typer.Argument(metavar="FILE")]
_UNDECIDED = ("event", "type", "source_and_id", "received", "attempts", "next", "problem")


@app.command("send")
def send(file: EventFile) -> None:
    """Send events. The whole file is read first; with one unreadable line nothing is sent.

    Sent in sets of 500, each accepted whole or not at all. Where a set does not fit the record
    (an unknown member, say) sending stops there, and it is said which lines are in. Sending a file
    again is safe: it adds what is not on record yet.
    """

    async def work(parts: Parts) -> events.Sent:
        lines = read_events(file, parts.clock.now())
        with _progress() as progress:
            bar = progress.add_task(phrase("cli.events"), total=len(lines))
            return await events.send(
                parts.acceptor,
                lines,
                actor=person(),
                progress=lambda count: progress.advance(bar, count),
            )

    sent = run(work)
    for note in sent.notes:
        err.print(f"! {sentence(note, language())}", highlight=False)
    if not emitted(sent):
        _tell(sent)
    if sent.errors:
        raise typer.Exit(1)


def _tell(sent: events.Sent) -> None:
    """Print what is in, what is not, and what to do about it."""
    counts = {"new": sent.new, "known": sent.known}
    if not sent.errors:
        out.print(phrase("cli.events_in", **counts), highlight=False)
        return
    for error in sent.errors:
        cross(sentence(error, language()))
    if sent.last_line is None:
        err.print(phrase("cli.nothing_kept", count=len(sent.errors)))
    else:
        lines = {"first": str(sent.first_line), "last": str(sent.last_line)}
        err.print(phrase("cli.events_partly_in", **lines, **counts), highlight=False)
    assert sent.refused is not None
    first, last = map(str, sent.refused)
    told = phrase("cli.events_not_in", first=first, last=last, left=sent.left)
    err.print(told, highlight=False)


@app.command("undecided")
def undecided_() -> None:
    """Print events that could not be decided: how often that was tried, and when it is next."""
    show(_UNDECIDED, run(lambda parts: undecided.waiting(parts.engine)), _undecided)


@app.command("retry")
def retry(
    event: Annotated[list[int] | None, typer.Argument(min=1, max=10**15)] = None,
    every: Annotated[bool, typer.Option("--all")] = False,
) -> None:
    """Decide undecided events again, at once: those that are named, or --all."""
    if bool(event) == every:
        wrong_use("name_or_all")

    async def work(parts: Parts) -> undecided.Retried:
        ids = None if every else event
        found = await undecided.retry(parts.engine, parts.acceptor, ids, **acting(parts))
        if found.lanes:
            await parts.bell.notify_workers(set(found.lanes))
        return found

    found = run(work)
    if not emitted(found):
        counts = {"decided": found.decided, "still": len(found.still)}
        out.print(phrase("cli.events_retried", **counts), highlight=False)
        if found.still:
            show(_UNDECIDED, found.still, _undecided)
    if found.still:
        raise typer.Exit(1)


def _undecided(one: undecided.Undecided) -> tuple[object, ...]:
    return (
        str(one.event_id),
        one.type,
        f"{one.source} {one.id}",
        one.received_at,
        one.attempts,
        one.next_try_at or phrase("cli.given_up"),
        one.problem,
    )


@app.command("example")
def example(only: Annotated[str, typer.Option("--type")] = "") -> None:
    """Print events about the members of docs/examples, one a line, with dates around today."""
    from notifier.demo.examples import example_events

    if only and only not in TYPES:
        close = ", ".join(near(only, TYPES) or sorted(TYPES))
        wrong_use("no_such_type", text=printable(only), close=close)
    for event in example_events(clock_of(settings()).now(), only):
        emit(event)


@app.command("stream")
def stream(file: EventFile) -> None:
    """Put events on the intake stream, one entry a line, as a billing system does.

    Nothing is looked at here: whoever reads the stream accepts each, or keeps it as rejected.
    """
    from notifier.runtime.event_stream import put

    async def work(parts: Parts) -> int:
        url = parts.urls.intake
        if url is None:
            raise BadSettings("NOTIFIER_INTAKE_REDIS_URL: names no stream (to try one: embedded)")
        lines = [line for line in bytes_of(file).split(b"\n") if line.strip()]
        await put(url, parts.settings.intake_stream, lines)
        return len(lines)

    say("on_stream", count=run(work))


def read_events(file: str, now: datetime | None = None) -> list[Line]:
    """The events of a file (``-``: standard input), each with its line.

    ``now``: none may be from further ahead. Raises :class:`BadInput` naming every line that is
    wrong.
    """
    return list(_read(bytes_of(file), now))


def bytes_of(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _read(data: bytes, now: datetime | None) -> Iterator[Line]:
    found: list[Line] = []
    errors: list[FieldError] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((number, parse_event(line, now)))
        except BadInput as problem:
            errors += [replace(e, line=number) for e in problem.errors]
    if not found and not errors:
        errors.append(FieldError("file", "empty_file"))
    if errors:
        raise BadInput(errors)
    yield from found


def _progress() -> "Progress":
    from rich import progress as bars  # a tenth of the start of every other verb

    columns = (bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeElapsedColumn())
    return bars.Progress(bars.TextColumn("{task.description}"), *columns, console=err)
