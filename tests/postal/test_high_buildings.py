"""Floors of high buildings: the same barcode in every process, and the right one."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from itertools import cycle
from pathlib import Path

import pytest

from tests.postal.record import Row, towns

ROOT = Path(__file__).parents[2]
SEEDS = range(16)
#: Ways to write the block 6-10-1.
BLOCKS = ("六丁目10番1号", "6-10-1", "６丁目10-1")


def _floors() -> list[tuple[Row, str]]:
    """Every row of a floor, with the town that its building stands in."""
    low = defaultdict(set)
    for row in towns():
        if row.town and "階" not in row.note:
            low[row.prefecture, row.city].add(row.town)
    return [
        (row, max(filter(row.town.startswith, low[row.prefecture, row.city]), key=len))
        for row in towns()
        if "階" in row.note
    ]


@pytest.mark.sweep
def test_floors_have_one_barcode_whatever_the_hash_seed() -> None:
    floors = _floors()
    assert len({row.town for row, _ in floors}) > 80
    lines = [
        json.dumps(
            [row.postcode, row.prefecture, row.city, town + written, f"{row.postcode}6-10-1"]
        )
        for (row, town), written in zip(floors, cycle(BLOCKS), strict=False)
    ]
    assert len(lines) > 3_000
    running = []
    for seed in SEEDS:
        one = subprocess.Popen(
            [sys.executable, "-m", "tests.postal.high_process"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(one)
    wrong = [one.communicate("\n".join(lines))[0] for one in running]
    assert wrong == [""] * len(SEEDS)
    assert [one.returncode for one in running] == [0] * len(SEEDS)
