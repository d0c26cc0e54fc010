"""Simulations: what events would come to, day by day, in a database that is gone afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.simulation import Simulation
from notifier.intake.members_csv import read_members
from notifier.intake.scheme_file import read_scheme
from notifier.model.actor import system
from notifier.model.event import Event
from notifier.model.member import Member
from notifier.model.notice import Notice
from notifier.model.plan import Hours
from notifier.model.press import Press
from notifier.model.scheme import Scheme
from notifier.rules.calendar import japan_date
from notifier.store import calendar_view, closures, members, schemes
from notifier.store.calendar_view import PlannedMessage, Skip

_ACTOR: Final = system("rehearsal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Which days are shown, and what the events meet beside what is on record."""

    first: date
    last: date
    scheme: bytes | None  # a file
    people: bytes | None  # a file
    notices: Mapping[str, Notice]
    hours: Hours | None
    press: Press | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would be sent, held or stopped, and what makes no message."""

    messages: tuple[PlannedMessage, ...]
    skips: tuple[Skip, ...]


async def simulate_events(
    engine: AsyncEngine, empty: AsyncEngine, events: Sequence[Event], terms: Terms
) -> Outlook:
    """Take events at their own times through the real rules, in an empty database.

    Schemes, closed days and members come from the record behind ``engine`` and from files. Raises
    :class:`BadInput`.
    """
    await _copy(engine, empty, events, terms)
    simulation = Simulation(empty, terms.notices, terms.hours, terms.press)
    begin = min([terms.first, *(japan_date(e.time) for e in events)])
    await simulation.play([(e.time, e) for e in events], begin, terms.last)
    async with empty.connect() as conn:
        messages = await calendar_view.messages(conn, terms.first, terms.last)
        skips = await calendar_view.skips(conn, terms.first, terms.last)
    return Outlook(messages=tuple(messages), skips=tuple(skips))


async def _copy(
    engine: AsyncEngine, empty: AsyncEngine, events: Sequence[Event], terms: Terms
) -> None:
    async with engine.connect() as conn:
        known = dict(await schemes.all_of(conn))
        register = await members.by_number(conn, sorted({e.member_no for e in events}))
        closed = await closures.all_of(conn)
    known, register = _with_files(known, dict(register), terms)
    since = min(e.time for e in events)
    async with empty.begin() as conn:
        for scheme in known.values():
            await schemes.save(conn, scheme, actor=_ACTOR, now=since)
        await members.save(conn, [(m, since) for m in register.values()], now=since)
        await closures.add(conn, closed, actor=_ACTOR, now=since)


def _with_files(
    known: dict[str, Scheme], register: dict[str, Member], terms: Terms
) -> tuple[dict[str, Scheme], dict[str, Member]]:
    if terms.scheme is not None:
        given = read_scheme(terms.scheme)
        known[given.scheme] = given
    if terms.people is not None:
        register |= {m.member_no: m for m in read_members(terms.people, set(known)).members}
    return known, register
