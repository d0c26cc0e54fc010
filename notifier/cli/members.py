"""``notifier members``: the register."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from notifier.app import member_imports, members
from notifier.app.member_imports import FEW, SHARE, Plan, RegisterMoved
from notifier.app.member_undo import AlreadyUndone, CannotUndo, preview_undo, undo
from notifier.intake.members_csv import RegisterFile, read_register
from notifier.model.errors import NotAllowed
from notifier.model.member import Member
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import schemes
from notifier.store.member_changes import Known

from .member_lines import field_name, heading_of, show_member, show_plan, some
from .session import Limit, out, person, run
from .tables import show

app = typer.Typer(help="会員: the register of members.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="CSV: UTF-8 or CP932.", exists=True, dir_okay=False)]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="A member number.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
_YES = f"Do not ask, for at most {FEW} changes or {SHARE:.0%} of the register."
Yes = Annotated[bool, typer.Option("--yes", help=_YES)]
Most = Annotated[
    int | None, typer.Option("--max-changes", min=0, help="Do not ask, for at most N changes.")
]
_SOME = 20


@app.command("import")
def import_(
    file: File,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Members whom the file does not name have left.")
    ] = False,
    yes: Yes = False,
    max_changes: Most = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
) -> None:
    """Show what a file would change, ask, and change it. With one bad row nothing is changed.

    Columns that the file lacks leave their values alone, and so do members whom it does not name.
    """

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        async with parts.engine.connect() as conn:
            known = set(await schemes.all_of(conn))
        given = read_register(file.read_bytes(), known)
        now = parts.clock.now()
        plan = await member_imports.preview(parts.engine, given, full=full, now=now)
        params = {"rows": f"{len(given.rows):,}", "encoding": given.encoding}
        out.print(label("cli.import_rows", language, file=file.name, **params))
        show_plan(plan, language)
        if not plan.count:
            out.print(label("cli.import_nothing", language))
        elif not dry_run:
            _consent(plan.count, plan.covered, language, yes=yes, most=max_changes)
            await _apply(parts, given, plan, full=full)

    run(work, creates=True)


async def _apply(parts: Parts, given: RegisterFile, plan: Plan, *, full: bool) -> None:
    language = parts.settings.locale
    async with parts.engine.connect() as conn:
        house = await parts.house(conn)
    try:
        done = await member_imports.apply(
            parts.engine,
            given,
            plan,
            full=full,
            house=house,
            actor=person(),
            now=parts.clock.now(),
        )
    except RegisterMoved as moved:
        numbers = some(moved.numbers, language)
        text = f"moved since: {numbers}"
        raise NotAllowed(text, code="import_moved", numbers=numbers) from None
    out.print(label("cli.import_done", language, id=done))


def _consent(count: int, covered: int, language: str, *, yes: bool, most: int | None) -> None:
    """Go on only if somebody said so: in so many words, or at the terminal."""
    params = {"count": count, "covered": covered, "limit": most}
    if most is not None:
        if count > most:
            raise NotAllowed("more changes than said", code="import_beyond_most", **params)
    elif yes:
        if count > covered:
            raise NotAllowed("--yes covers fewer", code="import_beyond_yes", **params)
    elif not sys.stdin.isatty():
        raise NotAllowed("nobody was asked", code="import_no_terminal")
    elif not typer.confirm(label("cli.import_ask", language, **params)):
        raise NotAllowed("declined", code="import_declined")


@app.command("undo")
def undo_(
    import_id: Annotated[int, typer.Argument(metavar="IMPORT", min=1, max=10**15)],
    *,
    yes: Yes = False,
    max_changes: Most = None,
) -> None:
    """Take an import back: every member as before, unless something later stands on it."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        try:
            found = await preview_undo(parts.engine, import_id)
            counts = {n: len(getattr(found, n)) for n in ("removed", "restored", "returned")}
            out.print(label("cli.undo_summary", language, id=import_id, **counts))
            async with parts.engine.connect() as conn:
                covered = await member_imports.covered(conn)
            _consent(found.count, covered, language, yes=yes, most=max_changes)
            by = await undo(parts.engine, import_id, actor=person(), now=parts.clock.now())
        except CannotUndo as problem:
            fields = [f"{o.member_no} {field_name(o.field, language)}" for o in problem.obstacles]
            named = some(fields, language)
            raise NotAllowed("later changes", code="undo_later", fields=named) from None
        except AlreadyUndone:
            raise NotAllowed("undone already", code="undo_closed", id=import_id) from None
        out.print(label("cli.undo_done", language, id=import_id, by=by))

    run(work)


@app.command("imports")
def imports(limit: Limit = _SOME) -> None:
    """List imports, the newest first."""

    async def work(parts: Parts) -> None:
        found = await member_imports.listed(parts.engine, limit=limit)
        names = ("import_id", "at", "actor", "new", "changed", "gone", "unchanged", "undone_by")
        show(names, [[getattr(r, name) for name in names] for r in found])

    run(work)


@app.command("show")
def show_(number: Number, *, as_json: AsJson = False) -> None:
    """Show what is on record of a member."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        member = await members.show(parts.engine, number)
        if as_json:
            _print_json(asdict(member) | {"addressed_as": member.addressed_as})
        else:
            show_member(member, language)

    run(work)


@app.command("find")
def find(
    text: Annotated[str, typer.Argument(help="Part of a number, name, mail, address, phone.")],
    *,
    limit: Limit = _SOME,
    as_json: AsJson = False,
) -> None:
    """Find members; width, kana, spaces, hyphens and forms like 髙 and 高 make no difference."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        found = await members.find(parts.engine, text, limit=limit)
        if not found:
            raise NotAllowed("no such member", code="member_none")
        if as_json:
            for member in found[:limit]:
                _print_json(asdict(member))
            return
        names = ("member", "name", "kana", "email", "phone", "status")
        show(names, [_line(member, language) for member in found[:limit]])
        if len(found) > limit:
            out.print(label("cli.more_than", language, limit=f"{limit:,}"))

    run(work)


def _line(m: Member, language: str) -> tuple[str, ...]:
    status = label(f"member_status.{m.status}", language)
    return m.member_no, m.name, m.kana, m.email, m.phone, status


@app.command("history")
def history(number: Number, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show what has changed a member, with the earlier values, the newest first."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        found = await members.history(parts.engine, number, limit=limit)
        if as_json:
            for known in found:
                _print_json(asdict(known))
            return
        names = ("when", "field", "before", "after", "through", "who")
        lines = [
            (k.at, *heading_of(k.change, language), _through(k, language), k.actor) for k in found
        ]
        show(names, lines)

    run(work)


def _through(known: Known, language: str) -> str:
    if known.import_id is not None:
        return label("cli.import", language, id=known.import_id)
    return "" if known.event_id is None else label("cli.event", language, id=known.event_id)


def _print_json(value: object) -> None:
    out.print(orjson.dumps(value).decode(), highlight=False)
