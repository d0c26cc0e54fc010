"""Long work that people ask for, as it stands on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a piece of long work stands."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LongJob:
    """One piece of long work."""

    job_id: int
    kind: str
    parameters: Mapping[str, Any]
    owner: str  # the actor who asked for it
    state: JobState
    done: int  # of ``total``, which is 0 as long as nobody knows
    total: int
    begun: Mapping[str, Any]  # what a run that broke off has left on record
    result: Mapping[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
