"""The periodic jobs of a worker process: a row for each, with what it does and how often."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from notifier.app import rejected
from notifier.app.housekeeping import tidy
from notifier.app.sweep import sweep as sweep_cases
from notifier.app.test_mode import forget_tests
from notifier.channels.adapter import TransportContext
from notifier.channels.registry import send_due
from notifier.logs import get_logger
from notifier.model.notice import Lane
from notifier.printing.handover import note_dead_handovers
from notifier.returns import sweep as returns

from .long_work import call_workers
from .parts import Parts
from .periodic import PeriodicJob, registry
from .pressing import press_room
from .sender import staff_sender

log = get_logger(__name__)

SECONDS: Final = 15  # between two looks at what people wait for
_SOON: Final = timedelta(seconds=SECONDS)
_DAILY: Final = timedelta(hours=6)


async def _decide(parts: Parts, now: datetime) -> set[Lane]:
    """Take undecided events, alerts, letters for mails and reminders through the rules."""
    async with parts.engine.connect() as conn:
        house = await parts.house(conn)
    return await sweep_cases(parts.engine, house, now=now)


async def _chase_hand_overs(parts: Parts, _now: datetime) -> set[Lane]:
    await note_dead_handovers(press_room(parts))
    return set()


async def _take_up_returns(parts: Parts, now: datetime) -> set[Lane]:
    direct = returns.direct_labels(parts.settings.relays)
    await returns.sweep(parts.engine, direct=direct, now=now)
    return set()


async def _send_by_channels(parts: Parts, _now: datetime) -> set[Lane]:
    """Send what is due by channels whose transport is not the workers' own."""
    context = TransportContext(
        engine=parts.engine,
        present=parts.editions.present,
        sender=staff_sender(parts.settings),
        folder=parts.settings.var,
        now=parts.clock.now,
    )
    await send_due(context)
    return set()


async def _forget_rejected(parts: Parts, now: datetime) -> set[Lane]:
    keep = timedelta(days=parts.settings.rejected_keep_days)
    await rejected.tidy(parts.engine, keep=keep, now=now)
    return set()


async def _forget_tests(parts: Parts, now: datetime) -> set[Lane]:
    await forget_tests(parts.engine, now)
    return set()


async def _keep_house(parts: Parts, now: datetime) -> set[Lane]:
    """Make partitions ahead of time, and let go of what is no longer kept, until all is done."""
    more = True
    while more:
        rules = parts.settings.retention
        done = await tidy(parts.engine, rules, owner_url=parts.urls.migrations, now=now)
        log.info("tidied", **asdict(done))
        more = done.more
    return set()


async def _call_for_long_work(parts: Parts, now: datetime) -> set[Lane]:
    await call_workers(parts, now)
    return set()


#: All that time brings to a record: name, how often, what.
_JOBS: Final = (
    ("cases", _SOON, _decide),
    ("hand-overs", _SOON, _chase_hand_overs),
    ("returns", _SOON, _take_up_returns),
    ("channels", _SOON, _send_by_channels),
    ("rejected", _SOON, _forget_rejected),
    ("test-results", _SOON, _forget_tests),
    ("long-work", _SOON, _call_for_long_work),
    ("housekeeping", _DAILY, _keep_house),
)
TIMES: Final = {name: every for name, every, _ in _JOBS}


def periodic_jobs(parts: Parts) -> Mapping[str, PeriodicJob]:
    """Return the jobs of a process, by name."""
    return registry(PeriodicJob(name=n, every=e, run=partial(run, parts)) for n, e, run in _JOBS)
