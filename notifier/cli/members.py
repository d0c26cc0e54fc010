"""``notifier members``: the register."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from notifier.app import member_imports, members
from notifier.app.member_imports import Import, Plan, RegisterMoved
from notifier.app.member_undo import AlreadyUndone, CannotUndo, preview_undo, undo
from notifier.app.members import Known
from notifier.app.schemes import known_schemes
from notifier.intake.members_csv import RegisterFile, read_register
from notifier.model.errors import NotAllowed
from notifier.model.member import Member
from notifier.runtime.parts import Parts

from .language import word
from .member_lines import field_name, heading_of, show_member, show_plan, some
from .names import File
from .output import emitted, emitted_all, out, phrase, say
from .session import Limit, acting, run
from .tables import show
from .verbs import Verbs

app = Verbs()
Number = Annotated[str, typer.Argument(metavar="NUMBER")]
Yes = Annotated[bool, typer.Option("--yes")]
Most = Annotated[int | None, typer.Option("--max-changes", min=0)]
_SOME = 20
_IMPORTS = ("import_id", "at", "actor", "new", "changed", "gone", "unchanged", "undone_by")
_FOUND = ("member", "name", "kana", "email", "phone", "status")
_HISTORY = ("when", "field", "before", "after", "through", "who")


@app.command("import")
def import_(
    file: File,
    *,
    full: Annotated[bool, typer.Option("--full")] = False,
    yes: Yes = False,
    max_changes: Most = None,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
) -> None:
    """Show what a file would change, ask, and change it. With one bad row nothing is changed.

    Columns that the file lacks leave their values alone, and so do members whom it does not name.
    """

    async def work(parts: Parts) -> None:
        given = read_register(file.read_bytes(), set(await known_schemes(parts.engine)))
        plan = await member_imports.preview(parts.engine, given, full=full, now=parts.clock.now())
        say("import_rows", file=file.name, rows=len(given.rows), encoding=given.encoding)
        show_plan(plan)
        if not plan.count:
            say("import_nothing")
        elif not dry_run:
            _consent(plan.count, plan.covered, yes=yes, most=max_changes)
            await _apply(parts, given, plan, full=full)

    run(work, creates=True)


async def _apply(parts: Parts, given: RegisterFile, plan: Plan, *, full: bool) -> None:
    try:
        done = await member_imports.apply(
            parts.engine, given, plan, full=full, acceptor=parts.acceptor, **acting(parts)
        )
    except RegisterMoved as moved:
        numbers = some(moved.numbers)
        text = f"moved since: {numbers}"
        raise NotAllowed(text, code="import_moved", numbers=numbers) from None
    say("import_done", id=str(done))


def _consent(count: int, covered: int, *, yes: bool, most: int | None) -> None:
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
    elif not typer.confirm(phrase("cli.import_ask", **params)):
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
        try:
            found = await preview_undo(parts.engine, import_id)
            counts = {n: len(getattr(found, n)) for n in ("removed", "restored", "returned")}
            say("undo_summary", id=str(import_id), **counts)
            covered = await member_imports.covered(parts.engine)
            _consent(found.count, covered, yes=yes, most=max_changes)
            by = await undo(parts.engine, import_id, **acting(parts))
        except CannotUndo as problem:
            named = some([f"{o.member_no} {field_name(o.field)}" for o in problem.obstacles])
            raise NotAllowed("later changes", code="undo_later", fields=named) from None
        except AlreadyUndone:
            raise NotAllowed("undone already", code="undo_closed", id=import_id) from None
        say("undo_done", id=str(import_id), by=str(by))

    run(work)


@app.command("imports")
def imports(limit: Limit = _SOME) -> None:
    """List imports, the newest first."""
    show(_IMPORTS, run(lambda parts: member_imports.listed(parts.engine, limit=limit)), _import)


def _import(i: Import) -> tuple[object, ...]:
    return i.import_id, i.at, i.actor, i.new, i.changed, i.gone, i.unchanged, i.undone_by


@app.command("show")
def show_(number: Number) -> None:
    """Show what is on record of a member."""
    member = run(lambda parts: members.show(parts.engine, number))
    if not emitted(asdict(member) | {"addressed_as": member.addressed_as}):
        show_member(member)


@app.command("find")
def find(text: str, *, limit: Limit = _SOME) -> None:
    """Find members; width, kana, spaces, hyphens and forms like 髙 and 高 make no difference."""

    async def work(parts: Parts) -> list[Member]:
        found = await members.find(parts.engine, text, limit=limit)
        if not found:
            raise NotAllowed("no such member", code="member_none")
        return found

    found = run(work)
    if emitted_all(asdict(member) for member in found[:limit]):
        return
    show(_FOUND, found[:limit], _line)
    if len(found) > limit:
        out.print(phrase("cli.more_than", limit=limit))


def _line(m: Member) -> tuple[str, ...]:
    return m.member_no, m.name, m.kana, m.email, m.phone, word("member_status", m.status)


@app.command("history")
def history(number: Number, *, limit: Limit = 50) -> None:
    """Show what has changed a member, with the earlier values, the newest first."""
    found = run(lambda parts: members.history(parts.engine, number, limit=limit))
    if not emitted_all(asdict(known) for known in found):
        show(_HISTORY, found, _change)


def _change(k: Known) -> tuple[object, ...]:
    return k.at, *heading_of(k.change), _through(k), k.actor


def _through(known: Known) -> str:
    if known.import_id is not None:
        return phrase("cli.import", id=str(known.import_id))
    return "" if known.event_id is None else phrase("cli.event", id=str(known.event_id))
