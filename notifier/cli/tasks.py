"""``notifier tasks``: what people must do."""

from typing import Annotated, Literal

import typer

from notifier.cases.details import japan_time, told
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.runtime.parts import Parts
from notifier.store import messages
from notifier.store import tasks as store
from notifier.store.db import loads
from notifier.write.labels import label

from .session import Id, Limit, out, person, run
from .tables import show

_States = Literal["open", "waiting", "done", "dropped", "all"]
app = typer.Typer(help="Tasks: what a person must do.", no_args_is_help=True)


@app.command("list")
def list_(
    state: Annotated[_States, typer.Option(help="In which state.")] = "open",
    limit: Limit = 50,
) -> None:
    """Tasks, those that are due first at the top."""

    async def work(parts: Parts) -> None:
        wanted = None if state == "all" else state
        async with parts.engine.connect() as conn:
            found = await store.search(conn, state=wanted, limit=limit)
        language, now = parts.settings.locale, parts.clock.now()
        lines = [
            (
                str(r["task_id"]),
                label(f"task.{r['kind']}", language),
                r["count"],
                r["owner"],
                r["due_at"],
                "!" if r["state"] == "open" and r["due_at"] < now else r["state"],
            )
            for r in found
        ]
        show(("task", "what", "count", "owner", "due", "state"), lines)

    run(work)


@app.command("show")
def show_(task: Id) -> None:
    """One task with all its details, and the held messages that it is about."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.get(conn, task)
            if found is None:
                raise NotFound("task", task)
            details = loads(found["details"])
            held = await messages.held_about(conn, details)
        language = parts.settings.locale
        out.print(f"{label('task.' + found['kind'], language)} × {found['count']:,}", style="bold")
        out.print(f"{found['state']}, {found['owner']}, due {japan_time(found['due_at'])}")
        for line in told(details, language):
            out.print(f"  {line}", highlight=False)
        if held:
            lines = [
                (public_number(r["message_id"]), r["member_no"], r["created_at"]) for r in held
            ]
            show(("message", "member", "since"), lines, title=label("state.held", language))
        if found["note"]:
            out.print(f"{found['done_by']}: {found['note']}", highlight=False)

    run(work)


@app.command("take")
def take(
    task: Id,
    owner: Annotated[str | None, typer.Option(help="Whose task it is; yours if left out.")] = None,
) -> None:
    """Give a task an owner."""

    async def work(parts: Parts) -> None:
        who, now = owner or person().name, parts.clock.now()
        async with parts.engine.begin() as conn:
            if not await store.take(conn, task, who, actor=person(), now=now):
                raise NotAllowed(f"task {task} is not open")

    run(work)


@app.command("done")
def done(
    task: Id,
    note: Annotated[str, typer.Option(help="What was done.", prompt=True)],
) -> None:
    """Close a task and say what was done."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        async with parts.engine.begin() as conn:
            if await store.get(conn, task) is None:
                raise NotFound("task", task)
            if not await store.finish(conn, task, actor=person(), note=note, now=now):
                raise NotAllowed(f"task {task} is closed already")

    run(work)
