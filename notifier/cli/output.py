"""What the terminal prints, and how: in which language, for people or as JSON."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Final

import orjson
import typer
from rich.console import Console

from notifier import files
from notifier.model.batch import BatchState, batch_name
from notifier.model.message import public_number
from notifier.model.returns import Standing
from notifier.model.role import Permission, Role
from notifier.model.states import Channel, State
from notifier.model.tracking import ReturnKind
from notifier.model.webhook import CallOutcome, WebhookState
from notifier.rendering.labels import label

from .language import as_json, language, word

#: A pipe or a file has no edge that a table must keep within. What is printed holds words of
#: others, so none of it is markup.
out = Console(soft_wrap=True, markup=False, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, soft_wrap=True, markup=False)
#: What the values of enums are called, where one is a parameter of a sentence.
_VALUES: Final[Mapping[type, str]] = {
    BatchState: "batch",
    CallOutcome: "call",
    Channel: "channel",
    Permission: "permission",
    ReturnKind: "return",
    Role: "role",
    Standing: "standing",
    State: "state",
    WebhookState: "webhook",
}
#: Fields of use cases that hold ids, under the names and in the forms in which they are shown.
_IDS: Final = {"message_id": public_number, "in_place_of": public_number, "batch_id": batch_name}


def phrase(key: str, /, **params: object) -> str:
    """Return a label filled with values: numbers in groups, values of enums by their names."""
    return label(key, language(), **{name: _said(value) for name, value in params.items()})


def _said(value: object) -> object:
    if type(value) in _VALUES:
        return word(_VALUES[type(value)], value)
    return f"{value:,}" if type(value) is int else value


def say(code: str, /, **params: object) -> None:
    """Print the label ``cli.<code>``; as JSON its code and values."""
    if as_json():
        emit({"result": code, **params})
    else:
        out.print(phrase(f"cli.{code}", **params), highlight=False)


def emit(value: object) -> None:
    """Print a value as a line of JSON."""
    typer.echo(orjson.dumps(plain(value)).decode())


def emitted(value: object, **more: object) -> bool:
    """Print a value, with ``more`` fields, if this run prints JSON; whether it did."""
    if as_json():
        emit({**plain(value), **more} if more else value)
    return as_json()


def emitted_all(values: Iterable[object]) -> bool:
    """Print values, a line each, if this run prints JSON; whether it did."""
    if as_json():
        for value in values:
            emit(value)
    return as_json()


def plain(value: Any) -> Any:
    """Return a value of a use case as JSON has it: ids in the forms in which they are shown."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case date():  # and moments
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).decode("utf-8", "replace")
        case frozenset():
            return sorted(map(plain, value))
        case Mapping():
            return {str(plain(k)): plain(v) for k, v in value.items()}
        case Path():
            return str(value)
    if is_dataclass(value):
        return dict(_field(f.name, getattr(value, f.name)) for f in fields(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    return [plain(one) for one in value]


def _field(name: str, value: Any) -> tuple[str, Any]:
    if name in _IDS:
        value = _IDS[name](value) if value is not None else None
    return name.removesuffix("_id"), plain(value)


def put(data: bytes, to: Path | None) -> None:
    """Bytes exactly as they are: into a file, or on standard output."""
    if to is None:
        sys.stdout.buffer.write(data)
    else:
        files.write(to, data)
