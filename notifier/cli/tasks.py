"""``notifier tasks``: what people must do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import typer

from notifier.app.record_words import japan_time, told
from notifier.app.tasks import HeldMessage, Task, find_tasks, finish_task, show_task, take_task
from notifier.model.message import public_number
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

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
        found = await find_tasks(parts.engine, state=wanted, limit=limit)
        language, now = parts.settings.locale, parts.clock.now()
        lines = [
            (
                str(t.task_id),
                label(f"task.{t.kind}", language),
                t.count,
                t.held or "",
                t.owner,
                t.due_at,
                _state(t, now, language),
            )
            for t in found
        ]
        show(("task", "what", "count", "held", "owner", "due", "state"), lines, limit=limit)

    run(work)


def _state(task: Task, now: datetime, language: str) -> str:
    late = task.state == "open" and task.due_at < now
    return label(f"task_state.{task.state}", language) + (" !" if late else "")


@app.command("show")
def show_(task: Id) -> None:
    """One task with all its details, and the held messages that wait for it."""

    async def work(parts: Parts) -> None:
        found, held = await show_task(parts.engine, task)
        _print(found, held, parts.settings.locale)

    run(work)


def _print(task: Task, held: Sequence[HeldMessage], language: str) -> None:
    out.print(f"{label(f'task.{task.kind}', language)} × {task.count:,}", style="bold")
    state, due = label(f"task_state.{task.state}", language), label("cli.due", language)
    out.print(f"{state}, {task.owner}, {due} {japan_time(task.due_at)}")
    for line in told(task.details, language):
        out.print(f"  {line}", highlight=False)
    if held:
        lines = [(public_number(h.message_id), h.member_no, h.since) for h in held]
        shown = f"{len(held):,} / {task.held:,}" if task.held > len(held) else f"{task.held:,}"
        title = f"{label('state.held', language)}: {shown}"
        show(("message", "member", "since"), lines, title=title)
    if task.note:
        out.print(f"{task.done_by}: {task.note}", highlight=False)


@app.command("take")
def take(
    task: Id,
    owner: Annotated[str | None, typer.Option(help="Whose task it is; yours if left out.")] = None,
) -> None:
    """Give a task an owner."""

    async def work(parts: Parts) -> None:
        who, now = owner or person().name, parts.clock.now()
        await take_task(parts.engine, task, who, actor=person(), now=now)

    run(work)


@app.command("done")
def done(
    task: Id,
    note: Annotated[str, typer.Option(help="What was done.", prompt=True)],
) -> None:
    """Close a task and say what was done. One that messages wait for stays open."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        await finish_task(parts.engine, task, note, actor=person(), now=now)

    run(work)
