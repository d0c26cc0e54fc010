"""What went wrong, as a person reads it, and how the program ends: never with a traceback."""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import InterfaceError, OperationalError

from notifier.intake.characters import printable
from notifier.model.batch import BatchState
from notifier.model.errors import BadInput, Conflict, Damaged, FieldError, NotAllowed, NotFound
from notifier.model.lines import lines_of
from notifier.model.returns import Standing
from notifier.model.role import Permission, Role
from notifier.model.states import State
from notifier.model.tracking import ReturnKind
from notifier.model.webhook import CallOutcome
from notifier.printing.handover import HandOverUncertain
from notifier.printing.target import HandOverFailed
from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.labels import label
from notifier.runtime.engines import EngineError
from notifier.runtime.logging import get_logger
from notifier.runtime.settings import BadSettings, Settings, load_settings

err = Console(stderr=True, soft_wrap=True, markup=False)
_log = get_logger(__name__)
#: Problems whose text is told within a sentence of ours: it names files, hosts and fields, and is
#: for whoever mends them.
_WITHIN: Final = (
    (HandOverFailed, "hand_over_failed"), (HandOverUncertain, "hand_over_uncertain"),
    (EngineError, "engine"), (InterfaceError, "database"), (OperationalError, "database"),
    (BadTemplate, "template"), (WriteError, "unwritable"), (OSError, "system"),
)  # fmt: skip
#: What the values of enums are called, where one is a parameter of a refusal.
_VALUES: Final[Mapping[type, str]] = {
    BatchState: "batch",
    Permission: "permission",
    Role: "role",
    CallOutcome: "call",
    ReturnKind: "return",
    Standing: "standing",
    State: "state",
}
#: What a person can mend; everything else is a fault of ours.
_EXPECTED = (
    BadInput, BadSettings, BadTemplate, Conflict, EngineError, HandOverFailed, HandOverUncertain,
    InterfaceError, NotAllowed, NotFound, OperationalError, OSError, WriteError,
)  # fmt: skip


def guarded(program: Callable[[], None]) -> None:
    """Run a program; whatever it raises is said in a sentence or two, with code 1."""
    try:
        program()
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as problem:  # noqa: BLE001 (the last place where anything can be said)
        try:
            fail(problem)
        except typer.Exit as end:
            sys.exit(end.exit_code)


def fail(problem: Exception, language: str = "") -> NoReturn:
    """End with code 1 and say what is wrong, where, and in which line.

    What nobody foresaw gets a reference, under which the log has it.
    """
    language = language or language_of_settings()
    for line in _sentences(_first(problem), language):
        cross(line)
    if isinstance(problem, BadInput):
        err.print(label("cli.nothing_kept", language, count=len(problem.errors)))
    raise typer.Exit(1)


def language_of_settings() -> str:
    """The language that people are answered in, even where the settings are wrong."""
    try:
        return load_settings().locale
    except BadSettings:
        return str(Settings.model_fields["locale"].default)


def _first(problem: BaseException) -> BaseException:
    """The first of several problems; one that nobody foresaw, if there is one among them."""
    if not isinstance(problem, BaseExceptionGroup):
        return problem
    _, others = problem.split(_EXPECTED)
    return _first((others or problem).exceptions[0])


def _sentences(problem: BaseException, language: str) -> list[str]:
    if isinstance(problem, BadInput):
        return [sentence(error, language) for error in problem.errors]
    if isinstance(problem, NotFound):
        return [_not_found(problem, language)]
    if isinstance(problem, NotAllowed):
        return [_refused(problem, language)]
    for kinds, code in _WITHIN:
        if isinstance(problem, kinds):
            return [label(f"error.{code}", language, text=problem)]
    if isinstance(problem, Conflict):
        where = f"{problem.source} {problem.event_id}"
        return [f"{where}: {label('error.conflict', language)}"]
    if isinstance(problem, _EXPECTED):
        return [str(problem)]
    reference = secrets.token_hex(4)
    _log.error("cli.failed", reference=reference, exc_info=problem)
    kind = type(problem).__name__
    return [label("cli.unforeseen", language, reference=reference, kind=kind)]


def _refused(problem: NotAllowed, language: str) -> str:
    params = {
        name: label(f"{_VALUES[type(value)]}.{value}", language)
        if type(value) in _VALUES
        else value
        for name, value in problem.params.items()
    }
    if isinstance(problem, Damaged):
        params["kind"] = _kind(problem.kind, language)
    return label(f"error.{problem.code}", language, **params)


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
