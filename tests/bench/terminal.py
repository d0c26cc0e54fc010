"""The terminal's start: processor time of whole processes, beside a Python that does nothing."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

from notifier.app.credentials import fresh_token, hash_of_token
from notifier.model.role import Permission
from notifier.runtime.engines import Engines
from notifier.store import service_accounts
from notifier.store.db import connect
from notifier.store.migrate import upgrade
from tests.bench.figures import Figure

NAMES: Final = ("cli_help_vs_python", "cli_verb_vs_python")
_ROUNDS: Final = 11  # odd; one more comes first, to warm files
_HELP: Final = ("-m", "notifier.cli", "--help")
_VERB: Final = ("-m", "notifier.cli", "tasks", "list")


async def measure(engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``cli_help_vs_python`` and ``cli_verb_vs_python``."""
    url = await asyncio.to_thread(engines.create_database, "terminal")
    await upgrade(url)
    given = {
        "NOTIFIER_TOKEN": await _reader(url),
        "NOTIFIER_VAR": str(var),
        "NOTIFIER_DATABASE_URL": url,
        "NOTIFIER_REDIS_URL": engines.urls.redis,
    }
    nothing, said, verb = await asyncio.to_thread(_compare, {**os.environ, **given})
    peer = {"name": "python -c pass", "value": round(1000 * nothing, 1), "unit": "ms"}
    note = (
        "user and system time of whole processes; median of "
        f"{_ROUNDS} rounds, each with all three; `tasks list` on a server that runs already"
    )
    return [
        Figure(
            name=name, value=round(taken / nothing, 1), unit="×", goal=goal, peer=peer, note=note
        )
        for name, taken, goal in zip(NAMES, (said, verb), (12.0, 40.0), strict=True)
    ]


async def _reader(url: str) -> str:
    """Register a service account that may read the record; its token."""
    now, token = datetime.now(UTC), fresh_token("nt_reader")
    engine = connect(url)
    async with engine.begin() as conn:
        await service_accounts.add(
            conn,
            "reader",
            hash_of_token(token),
            frozenset({Permission.RECORD_READ}),
            by="bench",
            now=now,
            until=now + timedelta(days=1),
            is_confirmed=True,
        )
    await engine.dispose()
    return token


def _compare(environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Seconds of processor time of: nothing, help, a verb."""
    every = (("-c", "pass"), _HELP, _VERB)
    rounds = [[_taken(one, environment) for one in every] for _ in range(_ROUNDS + 1)][1:]
    nothing, said, verb = (median(times) for times in zip(*rounds, strict=True))
    return nothing, said, verb


def _taken(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
