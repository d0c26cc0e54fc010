"""What every verb does first and last: settings, engines, parts; errors as a person reads them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvloop
from click import ClickException
from rich.console import Console

from notifier import files
from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed
from notifier.rendering.labels import label
from notifier.runtime.engines import Engines
from notifier.runtime.logging import configure_logging, open_log
from notifier.runtime.parts import Parts, joined
from notifier.runtime.settings import BadSettings, Settings, load_settings
from notifier.runtime.supervision import Supervisor

from . import identity
from .faults import cross, err, fail, language_of_settings, sentence

__all__ = [
    "cross", "err", "fail", "out", "person", "put", "run", "say", "sentence", "settings",
    "wrong_use",
]  # fmt: skip

#: A pipe or a file has no edge that a table must keep within. What is printed holds words of
#: others, so none of it is markup.
out = Console(soft_wrap=True, markup=False, width=None if sys.stdout.isatty() else 200)
#: A number under which something is on record, and how many lines a list may have.
Id = Annotated[int, typer.Argument(min=1, max=10**15)]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]
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


def say(code: str, **params: object) -> None:
    """Print the label ``cli.<code>`` in the language of the settings, with numbers in groups."""
    shown = {k: f"{v:,}" if type(v) is int else v for k, v in params.items()}
    out.print(label(f"cli.{code}", settings().locale, **shown), highlight=False)


def wrong_use(code: str, **params: object) -> typer.BadParameter:
    """A verb cannot be used like that; ``cli.<code>`` says why."""
    return typer.BadParameter(label(f"cli.{code}", language_of_settings(), **params))


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
            err.print(label("cli.making_record", given.locale, var=given.var.resolve()))
        with engines:
            new = serves or creates
            return uvloop.run(_joined(given, engines, work, creates=new))
    except (ClickException, typer.Abort, typer.Exit):
        raise
    except Exception as problem:  # noqa: BLE001 (said in a sentence, with a reference if need be)
        fail(problem, given.locale)
    finally:
        if log is not None:
            configure_logging()
            log.close()


async def _joined(
    given: Settings, engines: Engines, work: Callable[[Parts], Awaitable[_T]], *, creates: bool
) -> _T:
    supervisor = Supervisor()

    def watch() -> Awaitable[None]:
        return _watch(engines, at_once=bool(supervisor.restarts["engines"]))

    async with (
        supervisor.beside("engines", watch, longest=_WATCH),
        joined(given, engines.urls, supervisor, creates=creates) as parts,
    ):
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


def put(data: bytes, to: Path | None) -> None:
    """Bytes exactly as they are: into a file, or on standard output."""
    if to is None:
        sys.stdout.buffer.write(data)
    else:
        files.write(to, data)
