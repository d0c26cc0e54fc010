"""The run itself, shorter: the same code as ``make chaos``, in a process of its own."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.chaos.faults import Kind

_MESSAGES = 1500


@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_doubled_whatever_breaks(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos",
        env={
            **os.environ,
            "CHAOS_VAR": str(tmp_path),
            "CHAOS_MESSAGES": str(_MESSAGES),
            "CHAOS_MINUTES": "8",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["lost"], summary["doubled"], summary["unproved"]) == (0, 0, 0)
    assert summary["uncertain"] <= summary["in_flight_bound"]
    assert all(summary["faults"][kind] for kind in Kind)
    assert summary["messages"] == sum(summary["states"].values()) > _MESSAGES
    assert summary["states"]["sent"] + summary["states"].get("uncertain", 0) >= _MESSAGES
