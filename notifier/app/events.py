"""Events from a file: taken in sets, each whole or not at all, and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from notifier.app.event_intake import Acceptor, Receipt
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import Event

SET: Final = 500
Line = tuple[int, Event]  # an event and the line of the file that it stands in, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a file of events."""

    new: int  # now on record for the first time
    known: int  # were on record before, or stand twice in the file
    first_line: int | None  # of what is on record now; None: nothing is
    last_line: int | None
    notes: tuple[FieldError, ...]  # identifiers that look like card numbers, by line
    errors: tuple[FieldError, ...]  # what stopped it, by line; empty where all went in
    refused: tuple[int, int] | None = None  # lines of the set that was taken back
    left: int = 0  # events behind that set, which were not tried


async def send(
    acceptor: Acceptor,
    lines: Sequence[Line],
    *,
    actor: Actor,
    progress: Callable[[int], None] = lambda _: None,
) -> Sent:
    """Take the events of a file in, in sets of 500; the first set with an error ends it.

    ``progress`` is told how many more were taken. Sent again, a file adds only what is missing.
    """
    taken: list[Receipt] = []
    notes: list[FieldError] = []
    for at in range(0, len(lines), SET):
        part = lines[at : at + SET]
        try:
            receipts = await acceptor.accept([event for _, event in part], actor)
        except (BadInput, Conflict) as problem:
            errors = [replace(e, line=part[e.index or 0][0], index=None) for e in problem.errors]
            sent = _sent(lines[:at], taken, notes, errors)
            left = len(lines) - at - len(part)
            return replace(sent, refused=(part[0][0], part[-1][0]), left=left)
        taken += receipts
        notes += [replace(note, line=line) for line, event in part for note in event.notes]
        progress(len(part))
    return _sent(lines, taken, notes, ())


def _sent(
    lines: Sequence[Line],
    taken: Sequence[Receipt],
    notes: Sequence[FieldError],
    errors: Sequence[FieldError],
) -> Sent:
    new = sum(receipt.is_new for receipt in taken)
    return Sent(
        new=new,
        known=len(taken) - new,
        first_line=lines[0][0] if lines else None,
        last_line=lines[-1][0] if lines else None,
        notes=tuple(notes),
        errors=tuple(errors),
    )
