"""``notifier jobs``: long work that people asked for."""

from notifier.app.jobs import cancel_job, find_jobs, show_job
from notifier.model.long_job import LongJob

from .language import word
from .names import JobId
from .session import Limit, run
from .tables import facts, show
from .verbs import Verbs

app = Verbs()
_COLUMNS = ("job", "what", "state", "done", "total", "owner", "created_at")
_ENDS = ("started_at", "ended_at", "error")
_OUTCOME = ("folder", "posting_day", "pieces", "pages", "yen")


@app.command("list")
def list_(limit: Limit = 50) -> None:
    """Print the newest pieces of work."""
    show(_COLUMNS, run(lambda parts: find_jobs(parts.engine, limit=limit)), _line, limit=limit)


def _line(job: LongJob) -> tuple[object, ...]:
    what, state = word("job", job.kind), word("job_state", job.state)
    return (str(job.job_id), what, state, job.done, job.total or None, job.owner, job.created_at)


@app.command("show")
def show_(job: JobId) -> None:
    """Print a piece of work: how far it is, and what came of it."""
    found = run(lambda parts: show_job(parts.engine, job))
    facts((*_COLUMNS, *_ENDS, *_OUTCOME), found, _facts)


def _facts(job: LongJob) -> tuple[object, ...]:
    outcome = (job.result or {}).get("batch") or {}
    ends = (job.started_at, job.ended_at, job.error)
    return (*_line(job), *ends, *(outcome.get(name) for name in _OUTCOME))


@app.command("cancel")
def cancel(job: JobId) -> None:
    """Cancel work that has not ended; what it has done by then stays or is cleared away."""
    run(lambda parts: cancel_job(parts.engine, job, now=parts.clock.now()))
