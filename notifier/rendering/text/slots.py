"""Slots: places in a mail that differ from reader to reader.

A template that is run with slots in place of values shows where each value goes. That holds only
as long as nothing depends on what a value is; whatever would look at one raises :class:`Observed`.
A slot is a character of the private-use plane 15, which no value may contain.
"""

import re
from collections.abc import Container, ItemsView, Iterable, KeysView, Mapping, ValuesView
from typing import Any, Final, Never

from notifier.rendering.text.limits import charge

_FIRST: Final = 0xF0000
SLOT: Final = re.compile("[\U000f0000-\U000ffffd]")


class Observed(Exception):
    """A template depends on what is in a slot."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)  # characters of slots, or paths of amounts
        super().__init__(f"{len(self.names)} slots")


class Amount:
    """An amount that can be printed in yen and nothing else."""

    __slots__ = ("path", "printed")

    def __init__(self, path: str, printed: str) -> None:
        self.path, self.printed = path, printed  # ``printed``: the slot of what is printed

    def _observe(self, *_: object) -> Never:
        raise Observed([self.path])

    __bool__ = __str__ = __repr__ = __hash__ = __format__ = _observe
    __int__ = __float__ = __index__ = __neg__ = __pos__ = __abs__ = __round__ = _observe
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _observe
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _observe
    __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = __mod__ = __rmod__ = _observe


class Slots:
    """The slots of one skeleton, each with the path of its value (``recipient.name``)."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.by_path: Mapping[str, str] = {
            path: chr(_FIRST + place) for place, path in enumerate(paths)
        }
        self.by_slot: Mapping[str, str] = {slot: path for path, slot in self.by_path.items()}

    def among(self, used: Container[str]) -> tuple[tuple[str, str], ...]:
        """Path and slot of each that is used, in order."""
        return tuple((path, slot) for path, slot in self.by_path.items() if slot in used)

    def paths(self, observed: Observed) -> set[str]:
        """Whose values were looked at."""
        return {self.by_slot.get(name, name) for name in observed.names}


def observe(value: Any) -> Any:
    """The value, unless there is a slot anywhere in it: then :class:`Observed`."""
    if names := set(_slots(value)):
        raise Observed(names)
    return value


def _slots(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield from SLOT.findall(value)
    elif isinstance(value, Amount):
        yield value.path
    elif isinstance(value, Mapping):
        charge(1 + len(value))  # as often as it is there
        for key, item in value.items():
            yield from _slots(key)
            yield from _slots(item)
    elif isinstance(value, list | tuple | set | frozenset | ValuesView | ItemsView | KeysView):
        charge(1 + len(value))
        for item in value:
            yield from _slots(item)
