"""Periodic jobs: each by itself, counted, and tried again at its next time when it fails."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from notifier.logs import get_logger
from notifier.model.notice import Lane

if TYPE_CHECKING:
    from notifier.delivery.wake_up import LaneNotifier, WakeUp

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicJob:
    """What time alone brings. Running it twice, in two processes, does no harm.

    ``run`` is given the present moment and answers with the lanes in which something now waits.
    ``every``: a part of a minute, an hour or a day, as arq's clock has it.
    """

    name: str
    every: timedelta
    run: Callable[[datetime], Awaitable[Set[Lane]]]
    everywhere: bool = False  # in every process, by a timer of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """What is known of a job in this process."""

    runs: int = 0
    failures: int = 0
    last_run: datetime | None = None
    seconds: float = 0.0  # that the last run took


class JobMetrics(Protocol):
    """Who is told of every run; operation plugs its own in."""

    def ran(self, name: str, *, at: datetime, seconds: float, failed: bool) -> None:
        """Take note of a run that has ended."""


class CountedJobs:
    """The figures of this process, by the name of the job."""

    def __init__(self) -> None:
        self.figures: dict[str, JobFigures] = {}

    def ran(self, name: str, *, at: datetime, seconds: float, failed: bool) -> None:
        """Count a run."""
        known = self.figures.get(name, JobFigures())
        self.figures[name] = replace(
            known,
            runs=known.runs + 1,
            failures=known.failures + failed,
            last_run=at,
            seconds=seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What the jobs of one worker process reach."""

    now: Callable[[], datetime]
    bells: "Mapping[Lane, WakeUp]"  # of the lanes that it serves
    bell: "LaneNotifier"  # reaches the others
    jobs: Mapping[str, PeriodicJob]
    metrics: JobMetrics
    long_work: Callable[[int], Awaitable[object]] | None = None  # does one piece, by its id
    running: set[str] = field(default_factory=set)

    async def run(self, name: str) -> None:
        """Run a job, unless it is still at it. Whatever it raises is logged and counted."""
        from notifier.store.failures import passes

        if name in self.running:
            return
        self.running.add(name)
        at, began, failed = self.now(), monotonic(), True
        try:
            lanes = set(await self.jobs[name].run(at))
            failed = False
            self.wake(lanes)
            await self.bell.notify_workers(lanes)
        except Exception as error:
            log.error("job failed", job=name, exc_info=not passes(error))
        finally:
            self.running.discard(name)
            self.metrics.ran(name, at=at, seconds=monotonic() - began, failed=failed)

    def wake(self, lanes: set[Lane]) -> None:
        """Wake the deliverers of this process."""
        for lane in lanes & self.bells.keys():
            self.bells[lane].set()


def registry(jobs: Iterable[PeriodicJob]) -> dict[str, PeriodicJob]:
    """Return jobs by name. Raise ``ValueError`` for two of one name."""
    found: dict[str, PeriodicJob] = {}
    for job in jobs:
        if job.name in found:
            raise ValueError(f"two periodic jobs are called {job.name}")
        found[job.name] = job
    return found
