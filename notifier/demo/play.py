"""``notifier demo``: the incident, replayed on engines of its own through real SMTP."""

import asyncio
import csv
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

import asyncpg
from redis.asyncio import Redis
from rich.console import Console

from notifier import files
from notifier.app.credentials import fresh_token
from notifier.intake.scheme_file import read_scheme
from notifier.model.member import Member
from notifier.model.relay import Relay, Tls
from notifier.model.scheme import Scheme
from notifier.model.states import Channel
from notifier.runtime.almanac import tables
from notifier.runtime.clock import turn
from notifier.runtime.engines import Engines, Urls
from notifier.runtime.parts import Parts, joined
from notifier.runtime.settings import Settings, load_settings
from notifier.store import calendar_view
from notifier.store.roles import RUNTIME

from .act import Stage, let_in, prepare
from .billing import Billing
from .crew import Crew, free_port, listening
from .incident import SOURCE, WRONG_FEE, Cast, Day, cast, guarded, overcharged_members, unguarded
from .members import generate, write_csv
from .reckoning import (
    GUARDED,
    Line,
    Reckoning,
    faults,
    nested,
    of_state,
    outcomes,
    reckon,
    say,
    shown_wrongly,
    table,
)

_COUNT: Final = 1860
_PACKAGE: Final = Path(__file__).resolve().parent.parent


def play() -> int:
    """Play both acts; 0 if everything comes to what it must."""
    console, began = Console(soft_wrap=True), monotonic()
    var = Path("var") / "demo"
    with Engines(_settings(var), database="demo", stream=True) as engines:
        _clear(var)
        wrong, summary = asyncio.run(_play(console, var, engines))
    summary["seconds"] = round(monotonic() - began, 1)
    figures = json.dumps(summary, ensure_ascii=False, indent=2)
    files.write(var / "summary.json", f"{figures}\n")
    console.print(f"\nmails, letters and figures: {var}/ ({summary['seconds']} s)", highlight=False)
    environment = f"NOTIFIER_VAR={var} NOTIFIER_DATABASE_NAME=demo_guarded"
    console.print(f"look around: {environment} notifier messages list", highlight=False)
    for line in wrong:
        console.print(f"[red]✗[/] {line}", highlight=False)
    return 1 if wrong else 0


def _settings(var: Path, **more: Any) -> Settings:
    """Settings of the rehearsal's own, whatever the environment says."""
    given = {"database_url": None, "redis_url": None, "intake_redis_url": None, "clock_file": None}
    return load_settings(var=var, **{**given, "relays": _relays(25), **more})


def _relays(port: int) -> tuple[Relay, ...]:
    return (Relay(host="127.0.0.1", port=port, tls=Tls.NONE, name="post-office"),)


def _clear(var: Path) -> None:
    """What an earlier rehearsal left, apart from the engines."""
    for path in var.iterdir():
        if path.name != "engines":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


async def _play(console: Console, var: Path, engines: Engines) -> tuple[list[str], dict[str, Any]]:
    people = generate(_COUNT)
    who, scheme = cast(people), read_scheme(_example("group-liability.toml").read_bytes())
    register = var / "members.csv"
    write_csv(people, register)
    _write_cohort(var / "leak-cohort.csv", who.leaked)

    first = await _act(console, var, engines, "guarded", scheme, register, guarded(who))
    wrong = faults(first, GUARDED)
    second = await _act(
        console, var, engines, "unguarded", _erroneous(scheme), register, unguarded(who)
    )
    wrong += [f"without a guard: {line}" for line in faults(second, _unguarded(who))]
    return wrong, _summary(first, second)


def _example(name: str) -> Path:
    checkout = _PACKAGE.parent / "docs" / "examples" / name
    return checkout if checkout.is_file() else _PACKAGE / "_data" / "examples" / name


def _write_cohort(path: Path, people: Sequence[Member]) -> None:
    with open(path, "w", newline="", opener=files.opener) as file:
        writer = csv.writer(file)
        writer.writerow(["会員番号"])
        writer.writerows([m.member_no] for m in people)


def _erroneous(scheme: Scheme) -> Scheme:
    """The scheme as somebody registered it wrongly: 400 円 as its fee."""
    fees = tuple(replace(fee, yen=WRONG_FEE) for fee in scheme.fees)
    return replace(scheme, fees=fees)


def _unguarded(who: Cast) -> dict[Line, int]:
    told = overcharged_members(who)
    by_mail = sum(1 for m in told if m.email and m.channel is not Channel.LETTER)
    return {
        ("card_error", "first", "email", "sent"): 5 + 5,  # with 400 円, and put right
        ("card_error", "first", "letter", "handed_over"): 1,
        ("card_error", "first", "letter", "held"): 1,  # put right on 8/8; by post too late for 8/14
        ("apology", "overcharge", "email", "sent"): by_mail,
        ("apology", "overcharge", "letter", "handed_over"): 1843 - by_mail,
        ("apology", "wrong_amount_displayed", "email", "sent"): 5,
        ("apology", "wrong_amount_displayed", "letter", "handed_over"): 1,
    }


async def _act(
    console: Console,
    var: Path,
    engines: Engines,
    name: str,
    scheme: Scheme,
    register: Path,
    days: Sequence[Day],
) -> Reckoning:
    """Play the days of one act and reckon."""
    console.rule(name)
    folder = var / name
    folder.mkdir(mode=0o700)
    async with _staged(folder, engines, name, scheme, register, days[0].at) as stage:
        for day in days:
            began = monotonic()
            await _day(stage, day, scheme)
            _told(console, day, monotonic() - began)
        async with stage.parts.engine.connect() as conn:
            found = await reckon(conn, stage.relay_log)
            shown = await shown_wrongly(conn, WRONG_FEE)
            said = await calendar_view.messages(conn, days[0].at.date(), days[-1].at.date())
    width = console.width if console.is_terminal else None
    for told in tables(said, (), "ja", width):
        console.print(told, highlight=False)
    console.print(outcomes(found))
    console.print(table(found))
    say(console, found)
    for row in shown:
        line = f"  {row.member_no} was shown {WRONG_FEE} 円 as fee, {row.total:,} 円 in all"
        console.print(line, highlight=False)
    return found


async def _day(stage: Stage, day: Day, scheme: Scheme) -> None:
    if "fee_corrected" in day.tags:
        await stage.turn_to(day.at)
        fees = tuple(replace(fee, yen=200) for fee in scheme.fees)
        await stage.register(replace(scheme, fees=fees))
    if "leak" in day.tags:
        await stage.turn_to(day.at)
        cohort, facts = stage.parts.settings.var.parent / "leak-cohort.csv", _example("leak.toml")
        command = ("letters", "apology", "--cohort", str(cohort), "--facts", str(facts))
        await stage.billing.crew.run("notifier.cli", *command)
    await stage.play(day)


def _told(console: Console, day: Day, seconds: float) -> None:
    console.print(
        f"[bold]{day.at:%m/%d %H:%M}[/] {day.title}: {len(day.events):,} events ({seconds:.1f} s)",
        highlight=False,
    )


@asynccontextmanager
async def _staged(
    folder: Path, engines: Engines, name: str, scheme: Scheme, register: Path, at: datetime
) -> AsyncIterator[Stage]:
    """A fresh database, a relay, an HTTP server and a worker for one act."""
    owner = await _fresh(engines, f"demo_{name}")
    database = engines.database(f"demo_{name}", RUNTIME)
    relay_port, api_port = free_port(), free_port()
    urls = Urls(
        database=database, owner=owner, redis=engines.urls.redis, intake=engines.urls.intake
    )
    token = fresh_token("nt_demo")
    given = _environment(folder, urls, name, relay_port, api_port) | {"NOTIFIER_TOKEN": token}
    settings = _settings(
        folder,
        relays=_relays(relay_port),
        api_port=api_port,
        database_url=urls.database,
        database_owner_url=urls.owner,
        redis_url=urls.redis,
        clock_file=folder / "clock",
    )
    async with joined(settings, urls) as parts, Crew(folder, given) as crew:
        office = ("--port", str(relay_port), "--dir", str(folder / "mail"))
        crew.keep("relay", "notifier.demo.post_office", *office)
        await listening(relay_port)
        key = await _opened(folder, parts, scheme, register, at)
        await let_in(parts, token)
        crew.keep("serve", "notifier.cli", "serve")
        crew.keep("worker", "notifier.cli", "work")
        await listening(api_port)
        billing = Billing(
            port=api_port,
            key=key,
            stream_url=urls.intake or "",
            stream=f"demo:{name}",
            folder=folder,
            crew=crew,
        )
        log = folder / "mail" / "relay.log"
        yield Stage(parts=parts, billing=billing, clock_file=folder / "clock", relay_log=log)


async def _opened(folder: Path, parts: Parts, scheme: Scheme, register: Path, at: datetime) -> str:
    turn(folder / "clock", at - datetime.now(UTC))
    return await prepare(parts, scheme, await asyncio.to_thread(register.read_bytes))


def _environment(
    folder: Path, urls: Urls, name: str, relay_port: int, api_port: int
) -> dict[str, str]:
    return {
        "NOTIFIER_VAR": str(folder),
        "NOTIFIER_DATABASE_URL": urls.database,
        "NOTIFIER_DATABASE_OWNER_URL": urls.owner,
        "NOTIFIER_REDIS_URL": urls.redis,
        "NOTIFIER_INTAKE_REDIS_URL": urls.intake or "",
        "NOTIFIER_INTAKE_STREAM": f"demo:{name}",
        "NOTIFIER_INTAKE_SOURCE": SOURCE,
        "NOTIFIER_CLOCK_FILE": str(folder / "clock"),
        "NOTIFIER_RELAYS": json.dumps([r.model_dump(mode="json") for r in _relays(relay_port)]),
        "NOTIFIER_API_PORT": str(api_port),
    }


async def _fresh(engines: Engines, name: str) -> str:
    """An empty database; what an earlier rehearsal left under the name goes."""
    conn = await asyncpg.connect(engines.database("postgres").replace("+asyncpg", ""))
    try:
        await conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await conn.close()
    redis = Redis.from_url(engines.urls.intake or "")
    try:
        await redis.delete(f"demo:{name.removeprefix('demo_')}")
    finally:
        await redis.aclose()
    return engines.create_database(name)


def _summary(first: Reckoning, second: Reckoning) -> dict[str, Any]:
    def act(found: Reckoning) -> dict[str, Any]:
        return {
            "events": found.events,
            "messages": nested(found.messages),
            "states": dict(of_state(found.messages)),
            "held_by_guard": found.held_by_guard,
            "lost": found.lost,
            "doubled": found.doubled,
        }

    return {
        "members": _COUNT,
        **act(first),
        "lost": first.lost + second.lost,
        "doubled": first.doubled + second.doubled,
        "without_guard": act(second),
    }
