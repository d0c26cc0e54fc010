"""``notifier tasks``: what people must do."""

from typing import Literal

from notifier.app.record_words import japan_time, told
from notifier.app.tasks import find_tasks, finish_task, show_task, take_task
from notifier.model.message import public_number
from notifier.model.task import Task

from .language import language, word
from .names import Note, TaskId
from .output import emitted, out
from .session import Limit, acting, person, run
from .tables import show
from .verbs import Verbs

_States = Literal["open", "waiting", "done", "dropped", "all"]
app = Verbs()


@app.command("list")
def list_(state: _States = "open", limit: Limit = 50) -> None:
    """Print tasks, those that are due first at the top."""
    wanted = None if state == "all" else state
    found = run(
        lambda parts: find_tasks(parts.engine, state=wanted, limit=limit, now=parts.clock.now())
    )
    show(("task", "what", "count", "held", "owner", "due", "state"), found, _line, limit=limit)


def _line(task: Task) -> tuple[object, ...]:
    state = word("task_state", task.state) + (" !" if task.is_late else "")
    what = word("task", task.kind)
    held = task.held or ""
    return str(task.task_id), what, task.count, held, task.owner, task.due_at, state


@app.command("show")
def show_(task: TaskId) -> None:
    """Print a task with all its details, and the held messages that wait for it."""
    found, held = run(lambda parts: show_task(parts.engine, task, now=parts.clock.now()))
    if emitted(found, messages=held):
        return
    out.print(f"{word('task', found.kind)} × {found.count:,}", style="bold")
    state, due = word("task_state", found.state), word("cli", "due")
    out.print(f"{state}, {found.owner}, {due} {japan_time(found.due_at)}")
    for line in told(found.details, language()):
        out.print(f"  {line}", highlight=False)
    if held:
        shown = f"{len(held):,} / " if found.held > len(held) else ""
        title = f"{word('state', 'held')}: {shown}{found.held:,}"
        lines = [(public_number(h.message_id), h.member_no, h.since) for h in held]
        show(("message", "member", "since"), lines, tuple, title)
    if found.note:
        out.print(f"{found.done_by}: {found.note}", highlight=False)


@app.command("take")
def take(task: TaskId, owner: str | None = None) -> None:
    """Give a task an owner."""
    run(lambda parts: take_task(parts.engine, task, owner or person().name, **acting(parts)))


@app.command("done")
def done(task: TaskId, note: Note) -> None:
    """Close a task and say what was done. One that messages wait for stays open."""
    run(lambda parts: finish_task(parts.engine, task, note, **acting(parts)))
