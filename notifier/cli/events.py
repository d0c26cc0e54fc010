"""``notifier events``: events from a file or a pipe."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.app import events, undecided
from notifier.app.events import Line
from notifier.intake.envelope import parse_event
from notifier.model.errors import BadInput, FieldError
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

from .session import cross, err, out, person, run, sentence, settings, wrong_use
from .tables import show

if TYPE_CHECKING:
    from rich.progress import Progress

app = typer.Typer(help="Events from billing.", no_args_is_help=True)


@app.command("send")
def send(
    file: Annotated[str, typer.Argument(help="JSON lines, one CloudEvent each; - for stdin.")],
) -> None:
    """Send events. The whole file is read first; with one unreadable line nothing is sent.

    Sent in sets of 500, each accepted whole or not at all. Where a set does not fit the record
    (an unknown member, say) sending stops there, and it is said which lines are in. Sending a file
    again is safe: it adds what is not on record yet.
    """

    async def work(parts: Parts) -> tuple[events.Sent, str]:
        lines = read_events(file, parts.clock.now())
        with _progress() as progress:
            bar = progress.add_task("events", total=len(lines))
            sent = await events.send(
                parts.acceptor,
                lines,
                actor=person(),
                progress=lambda count: progress.advance(bar, count),
            )
        return sent, parts.settings.locale

    sent, language = run(work)
    _tell(sent, language)
    if sent.errors:
        raise typer.Exit(1)


def _tell(sent: events.Sent, language: str) -> None:
    """What is in, what is not, and what to do about it."""
    for note in sent.notes:
        err.print(f"! {sentence(note, language)}", highlight=False)
    for error in sent.errors:
        cross(sentence(error, language))
    counts = {"new": f"{sent.new:,}", "known": f"{sent.known:,}"}
    if not sent.errors:
        out.print(label("cli.events_in", language, **counts), highlight=False)
        return
    if sent.last_line is None:
        err.print(label("cli.nothing_kept", language, count=len(sent.errors)))
    else:
        lines = {"first": sent.first_line, "last": sent.last_line}
        err.print(label("cli.events_partly_in", language, **lines, **counts), highlight=False)
    assert sent.refused is not None
    first, last = sent.refused
    told = {"first": first, "last": last, "left": f"{sent.left:,}"}
    err.print(label("cli.events_not_in", language, **told), highlight=False)


@app.command("undecided")
def undecided_() -> None:
    """Events that could not be decided: how often that was tried, and when it is tried next."""

    async def work(parts: Parts) -> None:
        _show_undecided(await undecided.waiting(parts.engine))

    run(work)


@app.command("retry")
def retry(
    event: Annotated[list[int] | None, typer.Argument(min=1, max=10**15)] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are undecided.")] = False,
) -> None:
    """Decide undecided events again, at once: those that are named, or --all."""
    if bool(event) == every:
        raise wrong_use("name_or_all")

    async def work(parts: Parts) -> undecided.Retried:
        ids = None if every else event
        now = parts.clock.now()
        found = await undecided.retry(parts.engine, parts.acceptor, ids, actor=person(), now=now)
        if found.lanes:
            await parts.bell.notify_workers(set(found.lanes))
        counts = {"decided": f"{found.decided:,}", "still": f"{len(found.still):,}"}
        out.print(label("cli.events_retried", parts.settings.locale, **counts), highlight=False)
        if found.still:
            _show_undecided(found.still)
        return found

    if run(work).still:
        raise typer.Exit(1)


def _show_undecided(found: Sequence[undecided.Undecided]) -> None:
    lines = [
        (
            str(one.event_id),
            one.type,
            f"{one.source} {one.id}",
            one.received_at,
            one.attempts,
            one.next_try_at or label("cli.given_up", settings().locale),
            one.problem,
        )
        for one in found
    ]
    show(("event", "type", "source_and_id", "received", "attempts", "next", "problem"), lines)


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
