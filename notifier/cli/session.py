"""What every verb does first and last: settings, engines, parts; errors as a person reads them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypedDict, TypeVar

import typer
import uvloop

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed
from notifier.model.user import Principal
from notifier.runtime.engines import Engines
from notifier.runtime.logging import configure_logging, open_log
from notifier.runtime.parts import Parts, joined
from notifier.runtime.settings import BadSettings, Settings, load_settings
from notifier.runtime.supervision import Supervisor

from . import identity
from .faults import fail
from .output import err, phrase

#: A number under which something is on record, and how many lines a list may have.
Id = Annotated[int, typer.Argument(min=1, max=10**15)]
Limit = Annotated[int, typer.Option(min=1, max=100_000)]
_T = TypeVar("_T")
_WATCH = 5.0  # seconds between two looks, and at most before the next after one that failed


def person() -> Actor:
    """Whoever runs this verb: the user who has signed in, or a script's service account."""
    return identity.actor()


def settings() -> Settings:
    """The settings, or the end of the program with what is wrong with them."""
    try:
        return load_settings()
    except BadSettings as problem:
        fail(problem)


def run(
    work: Callable[[Parts], Awaitable[_T]], *, serves: bool = False, creates: bool = False
) -> _T:
    """Run a piece of work on the joined parts; what a person can mend ends with code 1.

    The log of whoever ``serves`` goes to standard error, that of other verbs to a file: a clerk
    reads sentences. Only whoever ``creates`` makes a record where there is none; the others would
    answer for an empty one in the wrong folder.
    """
    given = settings()
    log = None if serves else open_log(given.var)
    configure_logging(stream=log)
    try:
        linger = 0.0 if serves else given.engines_linger_seconds
        engines = Engines(given, database=given.database_name, linger=linger)
        if not (serves or creates or engines.has_record()):
            raise NotAllowed(f"no record in {given.var}", code="no_record", var=given.var.resolve())
        if not engines.has_record():
            err.print(phrase("cli.making_record", var=given.var.resolve()))
        with engines:
            return uvloop.run(_joined(given, engines, work, serves=serves, creates=creates))
    except (typer.BadParameter, typer.Abort, typer.Exit):
        raise
    except Exception as problem:  # noqa: BLE001 (said in a sentence, with a reference if need be)
        fail(problem)
    finally:
        if log is not None:
            configure_logging()
            log.close()


async def _joined(
    given: Settings,
    engines: Engines,
    work: Callable[[Parts], Awaitable[_T]],
    *,
    serves: bool,
    creates: bool,
) -> _T:
    supervisor = Supervisor()

    def watch() -> Awaitable[None]:
        return _watch(engines, at_once=bool(supervisor.restarts["engines"]))

    async with (
        supervisor.beside("engines", watch, longest=_WATCH),
        joined(given, engines.urls, supervisor, creates=serves or creates) as parts,
    ):
        if serves:
            _ = parts.acceptor  # what is wrong with a template ends a server at its start
        await identity.identify(parts)
        return await work(parts)


async def _watch(engines: Engines, *, at_once: bool) -> None:
    """Start an embedded engine again that has died under a long-running process.

    Raises what stands in the way, be it a disk or a table of files that is full.
    """
    await asyncio.sleep(0 if at_once else _WATCH)
    while True:
        await asyncio.to_thread(engines.ensure)
        await asyncio.sleep(_WATCH)


class Signed(TypedDict):
    """Who acts on users and keys, and when in real time, which a rehearsal does not turn."""

    by: Principal
    now: datetime


def signed() -> Signed:
    """Return what every use case is told that changes who may do what."""
    return Signed(by=identity.principal(), now=identity.moment())


class Acting(TypedDict):
    """Who acts, and when."""

    actor: Actor
    now: datetime


def acting(parts: Parts) -> Acting:
    """Return what every use case that changes something is told."""
    return Acting(actor=person(), now=parts.clock.now())
