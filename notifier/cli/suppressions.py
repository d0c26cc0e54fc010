"""``notifier suppressions``: addresses that no mail is sent to for a while."""

from pathlib import Path
from typing import Annotated

import typer

from notifier import files
from notifier.intake.addresses import parse_email
from notifier.intake.suppression_file import read_suppressions, written
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.suppression import SuppressionReason, normal
from notifier.rendering.labels import label
from notifier.rules.calendar import end_of, japan_date
from notifier.runtime.parts import Parts
from notifier.store import suppressions as store
from notifier.store import tracking
from notifier.store.suppressions import Suppression

from .report import Day
from .returns import ENTRIES, entry_line
from .session import Id, Limit, person, run, say
from .tables import facts, show

app = typer.Typer(help="Addresses that no mail is sent to.", no_args_is_help=True)
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="An email address.")]
Note = Annotated[str, typer.Option(help="Why; it stays on record.", prompt=True)]
All = Annotated[bool, typer.Option("--all", help="Those that have ended as well.")]
_COLUMNS = (
    "suppression", "address", "reason", "bounce", "score", "since", "until", "message", "return",
    "by", "note", "lifted", "lifted by", "why",
)  # fmt: skip


@app.command("list")
def list_(*, all_: All = False, limit: Limit = 50) -> None:
    """The newest suppressions in force."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            now = parts.clock.now()
            found = await store.search(conn, now=now, lifted=all_, limit=limit)
        count = len(_COLUMNS) if all_ else len(_COLUMNS) - 3
        lines = [_line(r, parts.settings.locale)[:count] for r in found]
        show(_COLUMNS[:count], lines)

    run(work)


def _line(r: store.SuppressionRecord, language: str) -> tuple[object, ...]:
    return (
        str(r.suppression_id),
        r.address,
        label(f"suppression.{r.reason}", language),
        label(f"bounce.{r.detail}", language) if r.detail else "",
        r.score,
        r.since,
        r.until,
        public_number(r.message_id) if r.message_id else "",
        str(r.return_id or ""),
        r.set_by,
        r.note,
        r.lifted_at,
        r.lifted_by,
        r.lift_note,
    )


@app.command("show")
def show_(address: Address) -> None:
    """Why an address is suppressed, or was: all that counted for and against it."""

    async def work(parts: Parts) -> None:
        language, now = parts.settings.locale, parts.clock.now()
        written_to = normal(address)
        async with parts.engine.connect() as conn:
            found = await store.of_address(conn, written_to, now=now)
            entries = await tracking.of_address(conn, written_to)
        if not found and not entries:
            raise NotFound("suppression", address)
        for r in found:
            known = zip(_COLUMNS, _line(r, language), strict=True)
            facts(known)
        if entries:
            lines = [(public_number(r.message_id), *entry_line(r, language)) for r in entries]
            show(("message", *ENTRIES), lines)

    run(work)


@app.command("add")
def add(address: Address, note: Note, until: Day = None) -> None:
    """Send no mail to an address; with --until, to the end of that day."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        if until and until.date() < japan_date(now):
            raise BadInput([FieldError("until", "bad_date")])
        one = Suppression(
            address=normal(parse_email(address)),
            reason=SuppressionReason.BY_PERSON,
            since=now,
            until=end_of(until.date()) if until else None,
            note=note,
        )
        async with parts.engine.begin() as conn:
            if not await store.add_all(conn, [one], actor=person(), now=now):
                text = f"{address} is suppressed already"
                raise NotAllowed(text, code="suppressed_already", address=address)

    run(work)


@app.command("lift")
def lift(number: Id, note: Note) -> None:
    """Send mails to an address again. What was not sent waits for ``notifier messages retry``."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        async with parts.engine.begin() as conn:
            if await store.get(conn, number, now=now) is None:
                raise NotFound("suppression", number)
            if not await store.lift(conn, number, note=note, actor=person(), now=now):
                text = f"suppression {number} is lifted already"
                raise NotAllowed(text, code="lifted_already", number=number)

    run(work)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with email.", exists=True, dir_okay=False)],
) -> None:
    """Suppress all addresses of a file: email, and if you like reason, until and note.

    With one bad row nothing is kept; addresses that are suppressed already stay as they are.
    """

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        given = read_suppressions(file.read_bytes(), now=now)
        async with parts.engine.begin() as conn:
            fresh = await store.add_all(conn, given, actor=person(), now=now)
        say("suppressed", fresh=fresh, known=len(given) - fresh)

    run(work)


@app.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", "-o", help="A CSV file, UTF-8 with BOM.")],
    *,
    all_: All = False,
) -> None:
    """Write suppressions to a file that can be imported elsewhere; no cell of it is a formula."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            now = parts.clock.now()
            found = await store.search(conn, now=now, lifted=all_, limit=None)
        files.write(to, written(reversed(found)))
        say("exported", count=len(found), to=to)

    run(work)
