"""What every verb does first and last: settings, engines, parts; errors as a person reads them."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import InterfaceError, OperationalError

from notifier.intake.characters import printable
from notifier.model.actor import Actor, ActorKind
from notifier.model.errors import BadInput, Conflict, FieldError, NotAllowed, NotFound
from notifier.press.handover import HandOverUncertain
from notifier.press.target import HandOverFailed
from notifier.runtime.engines import EngineError, Engines
from notifier.runtime.logging import configure_logging, get_logger
from notifier.runtime.parts import Parts, joined
from notifier.runtime.settings import BadSettings, Settings, load_settings
from notifier.write.errors import BadTemplate, WriteError
from notifier.write.labels import label

#: A pipe or a file has no edge that a table must keep within. What is printed holds words of
#: others, so none of it is markup.
out = Console(soft_wrap=True, markup=False, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, soft_wrap=True, markup=False)
#: A number under which something is on record, and how many lines a list may have.
Id = Annotated[int, typer.Argument(min=1, max=10**15)]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]
_T = TypeVar("_T")
_WATCH = 5.0  # seconds
_log = get_logger(__name__)
_EXPECTED = (
    BadInput, BadSettings, BadTemplate, Conflict, EngineError, HandOverFailed, HandOverUncertain,
    InterfaceError, NotAllowed, NotFound, OperationalError, OSError, WriteError,
)  # fmt: skip


def person() -> Actor:
    """Whoever sits at this terminal."""
    return Actor(ActorKind.USER, getpass.getuser())


def settings() -> Settings:
    """The settings, or the end of the program with what is wrong with them."""
    try:
        return load_settings()
    except BadSettings as problem:
        fail(problem)


def run(work: Callable[[Parts], Awaitable[_T]]) -> _T:
    """Run a piece of work on the joined parts; what a person can mend ends with code 1."""
    given = settings()
    configure_logging()
    try:
        with Engines(given, database=given.database_name) as engines:
            return uvloop.run(_joined(given, engines, work))
    except _EXPECTED as problem:
        fail(problem, given.locale)
    except BaseExceptionGroup as several:
        fail(_expected(several), given.locale)


def _expected(several: BaseExceptionGroup) -> Exception:
    """The first of several problems, where a person can mend them all."""
    _, others = several.split(_EXPECTED)
    if others is not None:
        raise others
    first: BaseException = several
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, Exception)
    return first


async def _joined(given: Settings, engines: Engines, work: Callable[[Parts], Awaitable[_T]]) -> _T:
    watch = asyncio.create_task(_watch(engines))
    try:
        async with joined(given, engines.urls) as parts:
            return await work(parts)
    finally:
        watch.cancel()


async def _watch(engines: Engines) -> None:
    """Start an embedded engine again that has died under a long-running process."""
    while True:
        await asyncio.sleep(_WATCH)
        try:
            await asyncio.to_thread(engines.ensure)
        except EngineError as problem:
            _log.error("engine.down", problem=str(problem))


def fail(problem: Exception, language: str = "ja") -> NoReturn:
    """End with code 1 and say what is wrong, where, and in which line."""
    if isinstance(problem, BadInput):
        for error in problem.errors:
            cross(sentence(error, language))
        err.print(label("cli.nothing_kept", language, count=len(problem.errors)))
    else:
        cross(str(problem))
    raise typer.Exit(1)


def put(data: bytes, to: Path | None) -> None:
    """Bytes exactly as they are: into a file, or on standard output."""
    if to is None:
        sys.stdout.buffer.write(data)
    else:
        to.write_bytes(data)


def cross(text: str) -> None:
    """Say on standard error that something is wrong."""
    plain = "\n".join(printable(line) for line in text.splitlines())
    err.print(Text("✗ ", style="red").append(plain, style="default"))


def sentence(error: FieldError, language: str) -> str:
    """One error as a line: where, which field, what is wrong."""
    where = f"{label('cli.line', language, line=error.line)} " if error.line else ""
    return f"{where}{error.field}: {label(f'error.{error.code}', language, **error.params)}"
