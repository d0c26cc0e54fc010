"""The rehearsal itself, with its workers and its HTTP server killed on the way."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from notifier.app.alerts import ALERT

pytestmark = pytest.mark.engine

ACTS = ("guarded", "unguarded")


async def _kill_on(folder: Path, stop: asyncio.Event) -> int:
    """SIGKILL each process once, a moment after it has begun to work; how many were killed."""
    left = [folder / act / f"{name}.pid" for act in ACTS for name in ("worker", "serve")]
    killed = 0
    while not stop.is_set():
        for path in [p for p in left if p.exists()]:
            await asyncio.sleep(3)  # a process needs a while before there is anything to break
            left.remove(path)
            try:
                os.kill(int(path.read_text()), signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
        await asyncio.sleep(0.1)
    return killed


def _to_members(act: dict[str, Any]) -> Counter[str]:
    """State → count. Alerts aside: how fast staff close a task decides if they are told of it."""
    found: Counter[str] = Counter()
    for notice, channels in act["messages"].items():
        for states in channels.values() if notice != ALERT else ():
            found.update(states)
    return found


@pytest.mark.timeout(300)
async def test_demo_comes_to_the_same_totals_when_processes_are_killed(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NOTIFIER_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "notifier.cli",
        "demo",
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    stop = asyncio.Event()
    killer = asyncio.create_task(_kill_on(tmp_path / "var" / "demo", stop))
    told, _ = await process.communicate()
    stop.set()
    assert await killer >= 2
    assert process.returncode == 0, told.decode()
    summary = json.loads((tmp_path / "var" / "demo" / "summary.json").read_text())
    assert (summary["lost"], summary["doubled"], summary["held_by_guard"]) == (0, 0, 6)
    assert _to_members(summary) == {"sent": 53, "handed_over": 48, "cancelled": 7}
    unguarded = _to_members(summary["without_guard"])
    assert unguarded == {"sent": 1776, "handed_over": 84, "held": 1}
