"""What went wrong, as a person reads it, and how the program ends: never with a traceback."""

import os
import secrets
import sys
from functools import cache
from typing import NoReturn

import typer
from rich.text import Text

from notifier.logs import get_logger
from notifier.model.characters import printable
from notifier.model.errors import BadInput, Conflict, Damaged, FieldError, NotAllowed, NotFound
from notifier.model.lines import lines_of
from notifier.rendering.labels import label
from notifier.runtime.settings import BadSettings

from .language import language
from .output import err, phrase

_log = get_logger(__name__)
_Kinds = tuple[tuple[type[Exception], str], ...]


@cache
def _within() -> _Kinds:
    """Problems whose text is told within a sentence of ours, each with the sentence's code.

    It names files, hosts and fields, and is for whoever mends them. What raises them is loaded only
    where something went wrong.
    """
    from notifier.printing.handover import HandOverUncertain
    from notifier.printing.target import HandOverFailed
    from notifier.rendering.errors import BadTemplate, WriteError
    from notifier.runtime.engines import EngineError

    return (
        (HandOverFailed, "hand_over_failed"), (HandOverUncertain, "hand_over_uncertain"),
        (EngineError, "engine"), (BadTemplate, "template"), (WriteError, "unwritable"),
        (OSError, "system"),
    )  # fmt: skip


@cache
def _expected() -> tuple[type[Exception], ...]:
    """What a person can mend; everything else is a fault of ours."""
    return (BadInput, BadSettings, Conflict, NotAllowed, NotFound, *(kind for kind, _ in _within()))


def end_with(problem: Exception) -> NoReturn:
    """End the program for what nobody caught, with code 1."""
    if isinstance(problem, BrokenPipeError):  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    try:
        fail(problem)
    except typer.Exit as end:
        sys.exit(end.exit_code)


def fail(problem: Exception) -> NoReturn:
    """End with code 1 and say what is wrong, where, and in which line.

    What nobody foresaw gets a reference, under which the log has it.
    """
    for line in _sentences(_first(problem), language()):
        cross(line)
    if isinstance(problem, BadInput):
        err.print(phrase("cli.nothing_kept", count=len(problem.errors)))
    raise typer.Exit(1)


def _first(problem: BaseException) -> BaseException:
    """The first of several problems; one that nobody foresaw, if there is one among them."""
    if not isinstance(problem, BaseExceptionGroup):
        return problem
    _, others = problem.split(lambda one: isinstance(one, _expected()) or _is_away(one))
    return _first((others or problem).exceptions[0])


def _sentences(problem: BaseException, language: str) -> list[str]:
    if isinstance(problem, BadInput):
        return [sentence(error, language) for error in problem.errors]
    if isinstance(problem, NotFound):
        return [_not_found(problem, language)]
    if isinstance(problem, NotAllowed):
        return [_refused(problem, language)]
    for kind, code in _within():
        if isinstance(problem, kind):
            return [label(f"error.{code}", language, text=problem)]
    if _is_away(problem):
        return [label("error.database", language, text=problem)]
    if isinstance(problem, Conflict):
        where = f"{problem.source} {problem.event_id}"
        return [f"{where}: {label('error.conflict', language)}"]
    if isinstance(problem, _expected()):
        return [str(problem)]
    reference = secrets.token_hex(4)
    _log.error("cli.failed", reference=reference, exc_info=problem)
    name = type(problem).__name__
    return [label("cli.unforeseen", language, reference=reference, kind=name)]


def _is_away(problem: BaseException) -> bool:
    """Whether the database is away, or only has a conflict: the same verb may go through later."""
    from notifier.store.failures import passes

    return passes(problem)


def _refused(problem: NotAllowed, language: str) -> str:
    params = dict(problem.params)
    if isinstance(problem, Damaged):
        params["kind"] = _kind(problem.kind, language)
    return phrase(f"error.{problem.code}", **params)


def _kind(kind: str, language: str) -> str:
    name = f"kind.{kind.replace(' ', '_')}"
    found = label(name, language)
    return kind if found == name else found


def _not_found(problem: NotFound, language: str) -> str:
    kind = _kind(problem.kind, language)
    text = label("error.not_found_named", language, kind=kind, key=problem.key)
    for code, values in (
        ("near", problem.near),
        ("known", problem.known),
        ("forms", problem.forms),
    ):
        if values:
            text += label(f"error.not_found_{code}", language, values=", ".join(values))
    return text


def sentence(error: FieldError, language: str) -> str:
    """One error as a line: where, which field, what is wrong."""
    where = f"{label('cli.line', language, line=error.line)} " if error.line else ""
    return f"{where}{error.field}: {label(f'error.{error.code}', language, **error.params)}"


def cross(text: str) -> None:
    """Say on standard error that something is wrong."""
    plain = "\n".join(printable(line) for line in lines_of(text))
    err.print(Text("✗ ", style="red").append(plain, style="default"))
