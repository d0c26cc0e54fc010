"""The run itself, shorter: the same code as ``make chaos``, in a process of its own."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.faults import Kind

pytestmark = pytest.mark.engine

_MESSAGES = 1500


@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_doubled_whatever_breaks() -> None:
    # Not in pytest's own folder: every further pytest of the same user closes that to others, and
    # PostgreSQL, which is another user's where we are root, is started anew in the middle of it.
    # What is wrong stays there to be looked into.
    folder = Path(tempfile.mkdtemp(prefix="notifier-chaos-"))
    summary = await _run(folder)
    assert (summary["lost"], summary["doubled"], summary["unproved"]) == (0, 0, 0)
    assert summary["uncertain"] <= summary["in_flight_bound"]
    assert all(summary["faults"][kind] for kind in Kind)
    assert summary["messages"] == sum(summary["states"].values()) > _MESSAGES
    assert summary["states"]["sent"] + summary["states"].get("uncertain", 0) >= _MESSAGES
    shutil.rmtree(folder)


async def _run(folder: Path) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos",
        env={
            **os.environ,
            "CHAOS_VAR": str(folder),
            "CHAOS_MESSAGES": str(_MESSAGES),
            "CHAOS_MINUTES": "8",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, f"{told.decode()}\n{folder}"
    return dict(json.loads((folder / "summary.json").read_text()))
