"""arq settings. Delivery does not live inside arq: it goes on while Redis is away."""

from typing import ClassVar, Final

import orjson
from arq import cron, func
from arq.cron import CronJob
from arq.worker import Function

from .jobs import ring, tick

SECONDS: Final = 15  # between two ticks


class _Settings:
    """What all our workers have in common."""

    handle_signals: ClassVar[bool] = False  # the process has its own, for an orderly stop
    keep_result: ClassVar[int] = 0
    max_tries: ClassVar[int] = 1
    job_serializer = orjson.dumps
    job_deserializer = orjson.loads
    log_results: ClassVar[bool] = False


def settings(kind: type[_Settings]) -> dict[str, object]:
    """All settings of a kind of worker; arq itself looks at no base class."""
    found = {**vars(_Settings), **vars(kind)}
    return {name: value for name, value in found.items() if not name.startswith("_")}


class Ring(_Settings):
    """Wakes a lane. There is one for each lane, on the lane's own queue."""

    functions: ClassVar[list[Function]] = [func(ring, name="ring")]
    poll_delay: ClassVar[float] = 0.02  # seconds: what an idle lane waits at most


class Clock(_Settings):
    """Ticks, in one process at a time."""

    queue_name: ClassVar[str] = "notifier:clock"
    cron_jobs: ClassVar[list[CronJob]] = [
        cron(tick, name="tick", second=set(range(0, 60, SECONDS)), unique=True, max_tries=1)
    ]
    poll_delay: ClassVar[float] = 0.5
