"""SIGKILL at the press, at several moments: nothing half made, nothing lost, nothing doubled."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from notifier.files import Scratch, sweep
from notifier.printing.collect import collect
from notifier.printing.handover import note_dead_handovers
from tests.delivery.rig import ACTOR
from tests.printing.letters import Letters, check

ROOT = Path(__file__).parents[2]


def killed(url: str, folder: Path, inbox: str, when: Callable[[], bool], wait: float) -> int:
    """Run the process, and kill it so long after the moment has come; how it ended."""
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.printing.collector_process", url, str(folder), "2", inbox],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    running.stdin.write(b"\n")
    running.stdin.close()
    until = time.monotonic() + 60
    while running.poll() is None and not when():
        assert time.monotonic() < until
        time.sleep(0.0005)
    time.sleep(wait)
    with suppress(ProcessLookupError):
        running.send_signal(signal.SIGKILL)
    code = running.wait(10)
    running.stdout.close()
    return code


MOMENTS = {
    "begun": lambda folder: (folder / ".B000001").exists(),
    "first file": lambda folder: (folder / ".B000001" / "B000001-001.pdf").exists(),
    "third file": lambda folder: (folder / ".B000001" / "B000001-003.pdf").exists(),
    "lists": lambda folder: (folder / ".B000001" / "manifest.csv").exists(),
    "in its place": lambda folder: (folder / "B000001").exists(),
}


@pytest.mark.parametrize("wait", [0.0, 0.004])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_collection_is_killed(
    letters: Letters, database_url: str, moment: str, wait: float
) -> None:
    ids = await letters.post(6)
    folder = letters.room().folder
    code = await asyncio.to_thread(
        killed, database_url, folder, "", lambda: MOMENTS[moment](folder), wait
    )
    states = {(await letters.state(i))[0] for i in ids}
    assert len(states) == 1  # all or none
    assert code in (-signal.SIGKILL, 0)
    if states == {"queued"}:
        batch = await collect(letters.room(), actor=ACTOR)
        assert batch is not None
        check(batch.folder, ids)
    else:
        assert states == {"printed"}
        assert await collect(letters.room(), actor=ACTOR) is None
        check(folder / "B000001", ids)
    assert len([p for p in folder.iterdir() if p.is_dir()]) == 1
    pieces = await letters.rows("SELECT message_id FROM pieces ORDER BY message_id")
    assert [p["message_id"] for p in pieces] == ids


@pytest.mark.parametrize("moment", ["idle", "busy"])
def test_who_sets_type_dies_with_whoever_asked_for_it(tmp_path: Path, moment: str) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.printing.apart_process", str(tmp_path / "tmp"), moment],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdout is not None
    [setter] = [psutil.Process(int(pid)) for pid in running.stdout.readline().split()]
    assert [p.name for p in (tmp_path / "tmp").glob("letters-*")] != []
    if moment == "busy":
        began = setter.cpu_times().user
        while setter.cpu_times().user < began + 0.1:
            time.sleep(0.01)
    running.kill()
    running.communicate()
    psutil.wait_procs([setter], timeout=30)
    assert not setter.is_running()
    left = {*(tmp_path / "tmp").glob("letters-*")}
    assert left
    with Scratch(tmp_path / "tmp", "letters") as held:
        assert {*(tmp_path / "tmp").glob("letters-*")} == {held.path}
        sweep(tmp_path / "tmp")
        assert held.path.is_dir()  # its process lives
    assert not held.path.exists()


HAND_OVERS: dict[str, Callable[[Path], bool]] = {
    "brought": lambda inbox: any(inbox.glob(".B000001*/manifest.csv")),
    "published": lambda inbox: (inbox / "B000001").exists(),
}


@pytest.mark.parametrize("wait", [0.0, 0.003, 0.01])
@pytest.mark.parametrize("moment", HAND_OVERS)
async def test_a_hand_over_is_killed(
    letters: Letters, database_url: str, tmp_path: Path, moment: str, wait: float
) -> None:
    """Whatever the record says afterwards is true, or it says that nobody knows."""
    ids = await letters.post(6)
    await letters.collect()
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    folder = letters.room().folder
    await asyncio.to_thread(
        killed, database_url, folder, str(inbox), lambda: HAND_OVERS[moment](inbox), wait
    )
    await note_dead_handovers(letters.room())
    [batch] = await letters.rows("SELECT state FROM batches")
    states = {(await letters.state(i))[0] for i in ids}
    there = (inbox / "B000001").exists()
    if there:
        check(inbox / "B000001", ids)
    assert (batch["state"], states, there) in [
        ("printed", {"printed"}, False),
        ("uncertain", {"uncertain"}, False),
        ("uncertain", {"uncertain"}, True),
        ("handed_over", {"handed_over"}, True),
    ]
