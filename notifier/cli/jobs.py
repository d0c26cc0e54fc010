"""``notifier jobs``: long work that people asked for."""

import typer

from notifier.app.jobs import cancel_job, find_jobs, show_job
from notifier.model.long_job import LongJob
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

from .session import Id, Limit, run
from .tables import facts, show

app = typer.Typer(
    help="Long work: what runs, how far it is, and what came of it.", no_args_is_help=True
)
_COLUMNS = ("job", "what", "state", "done", "total", "owner", "created_at")


@app.command("list")
def list_(limit: Limit = 50) -> None:
    """The newest pieces of work."""

    async def work(parts: Parts) -> None:
        found, language = await find_jobs(parts.engine, limit=limit), parts.settings.locale
        show(_COLUMNS, [_line(job, language) for job in found], limit=limit)

    run(work)


def _line(job: LongJob, language: str) -> tuple[object, ...]:
    what, state = label(f"job.{job.kind}", language), label(f"job_state.{job.state}", language)
    total = job.total or None
    return (str(job.job_id), what, state, job.done, total, job.owner, job.created_at)


@app.command("show")
def show_(job: Id) -> None:
    """One piece of work: how far it is, and what came of it."""

    async def work(parts: Parts) -> None:
        found = await show_job(parts.engine, job)
        line = _line(found, parts.settings.locale)
        ends = {"started_at": found.started_at, "ended_at": found.ended_at, "error": found.error}
        outcome = (found.result or {}).get("batch") or {}
        known = {name: value for name, value in outcome.items() if name in _OUTCOME}
        facts([*zip(_COLUMNS, line, strict=True), *ends.items(), *known.items()])

    run(work)


_OUTCOME = ("folder", "posting_day", "pieces", "pages", "yen")


@app.command("cancel")
def cancel(job: Id) -> None:
    """Cancel work that has not ended; what it has done by then stays or is cleared away."""

    async def work(parts: Parts) -> None:
        await cancel_job(parts.engine, job, now=parts.clock.now())

    run(work)
