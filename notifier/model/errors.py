"""Bad input: what is wrong, where, and what a person reads about it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .card_number import masked


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with an input.

    ``code`` is a key of the message catalogue (``error.<code>``), ``params`` fill it. Neither the
    field nor a text among the params ever repeats a card number: errors are shown, logged and kept.
    """

    field: str  # where: a dotted path such as ``data.amounts.total``, or a CSV column
    code: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)
    line: int | None = None  # 1-based line of a file, where the input is a file
    index: int | None = None  # 0-based place in a batch, where the input is a batch

    def __post_init__(self) -> None:
        """Mask what looks like a card number."""
        object.__setattr__(self, "field", masked(self.field))
        if self.params:
            params = {n: masked(v) if isinstance(v, str) else v for n, v in self.params.items()}
            object.__setattr__(self, "params", params)


class _Told(Exception):
    """An error with more to say than its text; it can go from one process to another."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[_Told], args: tuple[Any, ...], state: Mapping[str, Any]) -> _Told:
    made = kind.__new__(kind, *args)
    made.__dict__.update(state)
    return made


class BadInput(_Told):
    """An input was refused; nothing of it was kept."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{e.field}: {e.code}" for e in self.errors))


class Conflict(_Told):
    """The same (source, id) was seen before with another payload.

    ``errors`` names every such event of a batch by its place (``index``).
    """

    def __init__(self, source: str, event_id: str, errors: Sequence[FieldError] = ()) -> None:
        self.source, self.event_id, self.errors = source, event_id, tuple(errors)
        super().__init__(f"{source} {event_id}: seen before with another payload")


class NotFound(_Told):
    """Something was named that the record does not hold.

    ``near``: names that were perhaps meant; ``known``: all that there are; ``forms``: how such a
    name is written. For members only the form is told, never the number of another person.
    """

    def __init__(
        self,
        kind: str,
        key: object,
        *,
        near: Sequence[str] = (),
        known: Sequence[str] = (),
        forms: Sequence[str] = (),
    ) -> None:
        self.kind, self.key = kind, key
        self.near, self.known, self.forms = tuple(near), tuple(known), tuple(forms)
        super().__init__(f"{kind} {key}: not found")


class NotAllowed(_Told):
    """An act that the present state does not permit; the text says why, for logs and developers.

    ``code`` is a key of the message catalogue (``error.<code>``), ``params`` fill it: that is what
    people read. A parameter that is a state or a kind is shown by its own label.
    """

    def __init__(self, text: str, *, code: str, **params: object) -> None:
        self.code, self.params = code, params
        super().__init__(text)


class Damaged(NotAllowed):
    """Bytes on record are not those whose hash was recorded: they are neither shown nor used."""

    def __init__(self, kind: str, key: object) -> None:
        self.kind, self.key = kind, key
        text = f"{kind} {key} is not what is on record: its hash differs"
        super().__init__(text, code="damaged", kind=kind, key=key)
