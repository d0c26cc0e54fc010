"""``notifier simulate``: what events would come to, day by day, with nothing sent or kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.simulation import Simulation
from notifier.intake.members_csv import read_members
from notifier.intake.scheme_file import read_scheme
from notifier.model.actor import system
from notifier.model.errors import BadInput, FieldError
from notifier.model.event import Event
from notifier.model.member import Member
from notifier.model.scheme import Scheme
from notifier.rendering.labels import label
from notifier.rules.calendar import japan_date
from notifier.runtime.almanac import tables
from notifier.runtime.parts import Parts
from notifier.runtime.scratch import scratch
from notifier.store import calendar_view, closures, members, schemes
from notifier.store.calendar_view import PlannedMessage, Skip

from .events import read_events
from .session import out, run
from .tables import width

_ACTOR = system("rehearsal")


def simulate(
    file: Annotated[str, typer.Argument(help="JSON lines, one CloudEvent each; - for stdin.")],
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day to show.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, up to which it runs.")
    ],
    scheme: Annotated[
        Path | None, typer.Option(help="A scheme file in place of, or beside, those on record.")
    ] = None,
    people: Annotated[
        Path | None, typer.Option("--members", help="A members file beside those on record.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
) -> None:
    """Show what would be sent on which day, and what would not, with the reasons.

    The events are taken at their own times through the same rules as real ones, in a database of
    its own that is gone afterwards, with the schemes and the members on record.
    """
    told = _told(file, first, last)
    files = [path.read_bytes() if path else None for path in (scheme, people)]

    async def work(parts: Parts) -> None:
        known, register = await _register(parts, told, *files)
        async with scratch(parts.settings) as engine:
            await _settle_in(engine, known, register, told, parts)
            hours, press = parts.settings.hours, parts.settings.press
            rehearsal = Simulation(engine, parts.writer.notices, hours, press)
            begin = min([first.date(), *(japan_date(e.time) for e in told)])
            await rehearsal.play([(e.time, e) for e in told], begin, last.date())
            async with engine.connect() as conn:
                said = await calendar_view.messages(conn, first.date(), last.date())
                skipped = await calendar_view.skips(conn, first.date(), last.date())
        if as_json:
            out.print_json(json.dumps(_json(said, skipped), ensure_ascii=False))
            return
        language = parts.settings.locale
        for line in tables(said, skipped, language, width()):
            out.print(line, highlight=False)
        if not said and not skipped:
            out.print(label("cli.calendar_empty", language))

    run(work)


def _told(file: str, first: datetime, last: datetime) -> list[Event]:
    if last < first:
        raise BadInput([FieldError("--to", "bad_order", {"after": first.date().isoformat()})])
    return [event for _, event in read_events(file)]


async def _register(
    parts: Parts, told: Sequence[Event], scheme: bytes | None, people: bytes | None
) -> tuple[dict[str, Scheme], dict[str, Member]]:
    """Schemes and the members whom the events are about, from the record and from files."""
    async with parts.engine.connect() as conn:
        known = dict(await schemes.all_of(conn))
        register = await members.by_number(conn, sorted({e.member_no for e in told}))
    if scheme is not None:
        given = read_scheme(scheme)
        known[given.scheme] = given
    if people is not None:
        register |= {m.member_no: m for m in read_members(people, set(known)).members}
    return known, register


async def _settle_in(
    engine: AsyncEngine,
    known: dict[str, Scheme],
    register: dict[str, Member],
    told: Sequence[Event],
    parts: Parts,
) -> None:
    async with parts.engine.connect() as conn:
        closed = await closures.all_of(conn)
    since = min(e.time for e in told)
    async with engine.begin() as conn:
        for scheme in known.values():
            await schemes.save(conn, scheme, actor=_ACTOR, now=since)
        await members.save(conn, [(m, since) for m in register.values()], now=since)
        await closures.add(conn, closed, actor=_ACTOR, now=since)


def _json(said: Sequence[PlannedMessage], skipped: Sequence[Skip]) -> dict[str, Any]:
    def plain(row: PlannedMessage | Skip) -> dict[str, Any]:
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in asdict(row).items()}

    return {"messages": [plain(r) for r in said], "skips": [plain(r) for r in skipped]}
