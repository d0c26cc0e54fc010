"""``notifier suppressions``: addresses that no mail is sent to for a while."""

from typing import Annotated

import typer

from notifier import files
from notifier.app import suppressions
from notifier.intake.suppression_file import read_suppressions, written
from notifier.model.message import public_number
from notifier.model.suppression import KnownSuppression
from notifier.runtime.parts import Parts

from .language import word
from .names import All, Day, Export, File, Note
from .output import emitted, say
from .returns import ENTRIES, entry_line
from .session import Id, Limit, acting, run
from .tables import facts, show
from .verbs import Verbs

app = Verbs()
Address = Annotated[str, typer.Argument(metavar="ADDRESS")]
_IN_FORCE = (
    "suppression", "address", "reason", "bounce", "score", "since", "until", "message", "return",
    "by", "note",
)  # fmt: skip
_COLUMNS = (*_IN_FORCE, "lifted", "lifted by", "why")


@app.command("list")
def list_(*, all_: All = False, limit: Limit = 50) -> None:
    """Print the newest suppressions in force."""
    found = _found(ended=all_, limit=limit)
    if all_:
        show(_COLUMNS, found, _line)
    else:
        show(_IN_FORCE, found, lambda s: _line(s)[: len(_IN_FORCE)])


def _found(*, ended: bool, limit: int | None) -> list[KnownSuppression]:
    return run(
        lambda parts: suppressions.find_suppressions(
            parts.engine, ended=ended, limit=limit, now=parts.clock.now()
        )
    )


def _line(s: KnownSuppression) -> tuple[object, ...]:
    return (
        str(s.suppression_id),
        s.address,
        word("suppression", s.reason),
        word("bounce", s.detail),
        s.score,
        s.since,
        s.until,
        public_number(s.message_id) if s.message_id else "",
        str(s.return_id or ""),
        s.set_by,
        s.note,
        s.lifted_at,
        s.lifted_by,
        s.lift_note,
    )


@app.command("show")
def show_(address: Address) -> None:
    """Print why an address is suppressed, or was: all that counted for and against it."""
    found = run(
        lambda parts: suppressions.show_address(parts.engine, address, now=parts.clock.now())
    )
    if emitted(found):
        return
    for one in found.suppressions:
        facts(_COLUMNS, one, _line)
    if found.entries:
        columns = ("message", *ENTRIES)
        show(columns, found.entries, lambda e: (public_number(e.message_id), *entry_line(e)))


@app.command("add")
def add(address: Address, note: Note, until: Day = None) -> None:
    """Send no mail to an address; with --until, to the end of that day."""
    last = until.date() if until else None
    run(lambda parts: suppressions.suppress(parts.engine, address, note, last, **acting(parts)))


@app.command("lift")
def lift(number: Id, note: Note) -> None:
    """Send mails to an address again. What was not sent waits for ``notifier messages retry``."""
    run(lambda parts: suppressions.lift(parts.engine, number, note, **acting(parts)))


@app.command("import")
def import_(file: File) -> None:
    """Suppress all addresses of a file: email, and if you like reason, until and note.

    With one bad row nothing is kept; addresses that are suppressed already stay as they are.
    """

    async def work(parts: Parts) -> tuple[int, int]:
        given = read_suppressions(file.read_bytes(), now=parts.clock.now())
        fresh = await suppressions.suppress_all(parts.engine, given, **acting(parts))
        return fresh, len(given) - fresh

    fresh, known = run(work)
    say("suppressed", fresh=fresh, known=known)


@app.command("export")
def export(to: Export, *, all_: All = False) -> None:
    """Write suppressions to a file that can be imported elsewhere; no cell of it is a formula."""
    found = _found(ended=all_, limit=None)
    files.write(to, written(reversed(found)))
    say("exported", count=len(found), to=to)
