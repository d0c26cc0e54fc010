"""What a mailing tells, as a TOML file: its name, the scheme, the step and ``[facts]``."""

from collections.abc import Iterator
from typing import Any, Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.lines import lines_of
from notifier.model.mailing import Mailing
from notifier.model.states import Channel
from notifier.rendering.fact_errors import text_errors

from .toml_file import plain, read_toml, wrong_keys

_MOST_NAME: Final = 80
_KEYS: Final = ("name", "scheme", "step", "facts")


def read_mailing(data: bytes, *, notice: str, channel: Channel) -> Mailing:
    """The mailing of a file. Raises :class:`BadInput` with all that is wrong with its form.

    Whether the facts are those of the step is looked at where the mailing is made.
    """
    table = read_toml(data, "facts")
    errors = [*wrong_keys(table, _KEYS), *_texts(table)]
    errors += facts_errors(table)
    if errors:
        raise BadInput(errors)
    return Mailing(
        name=table["name"],
        scheme=table["scheme"],
        notice=notice,
        step=table["step"],
        channel=channel,
        facts=plain(table["facts"]),
    )


def _texts(table: dict[str, Any]) -> Iterator[FieldError]:
    for name in ("name", "scheme", "step"):
        if name in table:
            yield from name_errors(name, table[name])


def name_errors(path: str, value: Any) -> Iterator[FieldError]:
    """What is wrong with a name: one line, at most 80 characters, nothing blank around it."""
    yield from (found := list(text_errors(path, value, _MOST_NAME)))
    if not found and (value != value.strip() or len(lines_of(value)) > 1):
        yield FieldError(path, "bad_format")


def facts_errors(table: dict[str, Any]) -> Iterator[FieldError]:
    """Facts are a table with something in it."""
    if "facts" not in table:
        return
    if not isinstance(table["facts"], dict):
        yield FieldError("facts", "wrong_type", {"expected": "object"})
    elif not table["facts"]:
        yield FieldError("facts", "missing")
