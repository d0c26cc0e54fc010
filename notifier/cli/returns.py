"""``notifier returns``: what came back, and what a person makes of it."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.intake.characters import printable
from notifier.model.errors import NotFound
from notifier.model.lines import lines_of
from notifier.model.message import message_number, public_number
from notifier.model.returns import ReturnReason, Standing
from notifier.model.tracking import BounceReason, Finding, ReturnKind
from notifier.rendering.labels import label
from notifier.returns.judgement import Judgement, put_aside, take_as_said
from notifier.returns.reading import read
from notifier.returns.sweep import direct_labels
from notifier.runtime.parts import Parts
from notifier.store import returns as store
from notifier.store import tracking

from .session import Id, Limit, out, person, put, run, wrong_use
from .tables import facts, show
from .track import followed_by

app = typer.Typer(help="Returns: bounces, complaints, answers.", no_args_is_help=True)
_COLUMNS = (
    "return",
    "received",
    "taken_from",
    "kind",
    "standing",
    "why",
    "message",
    "times",
    "bytes",
)
_SHOWN = 4_000  # characters of its text
All = Annotated[bool, typer.Option("--all", help="In any standing.")]


@app.command("list")
def list_(
    standing: Standing = Standing.PERSON,
    *,
    reason: ReturnReason | None = None,
    all_: All = False,
    limit: Limit = 50,
) -> None:
    """The newest returns that wait for a person, or that stand otherwise."""

    async def work(parts: Parts) -> None:
        wanted = None if all_ else standing
        async with parts.engine.connect() as conn:
            found = await store.search(conn, standing=wanted, reason=reason, limit=limit)
        show(_COLUMNS, [_line(r, parts.settings.locale) for r in found])

    run(work)


def _line(r: store.ReturnRecord | store.KeptReturn, language: str) -> tuple[object, ...]:
    return (
        str(r.return_id),
        r.received_at,
        r.source,
        label(f"return.{r.kind}", language),
        label(f"standing.{r.standing}", language),
        label(f"return_reason.{r.reason}", language) if r.reason else "",
        public_number(r.message_id) if r.message_id else "",
        r.times,
        r.size,
    )


@app.command("counts")
def counts() -> None:
    """How many came back and where they stand: what was forged or too late as well."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        async with parts.engine.connect() as conn:
            found = await store.counts(conn)
        lines = [
            (
                label(f"standing.{r.standing}", language),
                label(f"return_reason.{r.reason}", language) if r.reason else "",
                label(f"return.{r.kind}", language),
                r.count,
                int(r.times),
            )
            for r in found
        ]
        show(("standing", "why", "kind", "returns", "times"), lines)

    run(work)


@app.command("show")
def show_(number: Id) -> None:
    """One return: what was read in it, what is on record about its message, and its words."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        async with parts.engine.connect() as conn:
            found = await _found(conn, number)
            message_id = found.message_id
            entries = await tracking.of_message(conn, message_id) if message_id else ()
        facts(zip(_COLUMNS, _line(found, language), strict=True))
        reading = store.restored(found).reading
        facts(
            [
                ("sender", reading.sender),
                ("subject", reading.subject),
                ("reported_by", reading.reported_by),
            ]
        )
        _findings(reading.findings, language)
        if entries and message_id:
            title = public_number(message_id)
            show(ENTRIES, [entry_line(r, language) for r in entries], title=title)
        for words in lines_of(read(bytes(found.raw)).text[:_SHOWN]):
            out.print(printable(words), highlight=False)

    run(work)


async def _found(conn: AsyncConnection, number: int) -> store.KeptReturn:
    found = await store.get(conn, number)
    if found is None:
        raise NotFound("return", number)
    return found


def _findings(found: tuple[Finding, ...], language: str) -> None:
    lines = [
        (
            f.recipient,
            label(f"return.{f.kind}", language),
            label(f"bounce.{f.reason}", language) if f.reason else "",
            label(f"cli.{'hard' if f.hard else 'soft'}", language) if f.hard is not None else "",
            f.status or f.code,
            f.reply,
        )
        for f in found
    ]
    if lines:
        show(("recipient", "kind", "reason", "lasting", "status", "reply"), lines)


ENTRIES = ("when", "kind", "reason", "lasting", "status", "return", "reply")


def entry_line(r: tracking.TrackingEntry, language: str) -> tuple[object, ...]:
    """An entry of a message's tracking as a line."""
    hard = r.hard
    why = f"bounce.{r.reason}" if r.reason else f"evidence.{r.level}" if r.level else ""
    return (
        r.at,
        label(f"return.{r.kind}", language),
        label(why, language) if why else "",
        label(f"cli.{'hard' if hard else 'soft'}", language) if hard is not None else "",
        r.status or r.code,
        str(r.return_id),
        r.reply,
    )


@app.command("bytes")
def bytes_(
    number: Id,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", help="File; else standard output.")
    ] = None,
) -> None:
    """A return exactly as it came in."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            raw = (await _found(conn, number)).raw
        put(raw, to)

    run(work)


@app.command("settle")
def settle(
    number: Id,
    *,
    message: Annotated[
        str | None, typer.Option(help="Which message it is about; else as it was read.")
    ] = None,
    kind: Annotated[ReturnKind | None, typer.Option(help="What it is; else as read.")] = None,
    reason: Annotated[
        BounceReason | None, typer.Option(help="Why it bounced; else as read.")
    ] = None,
    ignore: Annotated[bool, typer.Option("--ignore", help="It is about nothing of ours.")] = False,
) -> None:
    """Say what a return is about that could not be told, and let it take effect."""
    if ignore and (message or kind or reason):
        raise wrong_use("ignore_alone")

    async def work(parts: Parts) -> None:
        now, who = parts.clock.now(), person()
        async with parts.engine.begin() as conn:
            if ignore:
                done = await put_aside(conn, number, actor=who, now=now)
            else:
                about = message_number(message) if message else None
                said = Judgement(message_id=about, kind=kind, reason=reason)
                direct = direct_labels(parts.settings.relays)
                done = await take_as_said(conn, number, said, actor=who, now=now, direct=direct)
        out.print(followed_by(done, parts.settings.locale), highlight=False)

    run(work)
