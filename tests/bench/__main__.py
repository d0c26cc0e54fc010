"""``python -m tests.bench [--only NAME,…]``: measure, and write ``var/bench/summary.json``."""

import argparse
import asyncio
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Set
from pathlib import Path
from time import monotonic
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from notifier.runtime.engines import Engines
from notifier.runtime.settings import load_settings
from tests.bench import (
    contest,
    craft,
    endurance,
    idle,
    ingest,
    press,
    reading,
    terminal,
    ticking,
    urgent,
)
from tests.bench.figures import ABSENT, Figure, write_summary

Bench = Callable[[Engines, Path, Set[str]], Awaitable[list[Figure]]]

#: What measures which figures.
BENCHES: Final[Mapping[tuple[str, ...], Bench]] = {
    ("mail_render_us",): craft.measure_mail,
    craft.SINGLE: craft.measure_letter,
    ("letter_bulk_ms",): craft.measure_bulk,
    craft.BULK: craft.measure_mailing,
    ("letter_vs_weasyprint",): craft.measure_peer,
    ("idle_p50_ms", "idle_p99_ms"): idle.measure,
    ingest.NAMES: ingest.measure,
    ingest.COMMITS: ingest.measure_commits,
    (reading.NAME,): reading.measure,
    ticking.NAMES: ticking.measure,
    terminal.NAMES: terminal.measure,
    contest.NAMES: contest.measure,
    urgent.NAMES: urgent.measure,
    endurance.NAMES: endurance.measure,
    press.NAMES: press.measure,
}
NAMES: Final = tuple(name for names in BENCHES for name in names)
#: Measured only when they are asked for: they take long.
HEAVY: Final = frozenset((*endurance.NAMES, *press.NAMES))


def main() -> int:
    """Measure; 2 for a name that is no figure of ours."""
    given = _arguments()
    wanted = [name for name in given.only.split(",") if name] or [
        name for name in NAMES if name not in HEAVY
    ]
    console = Console(soft_wrap=True)
    if unknown := set(wanted) - set(NAMES):
        console.print(f"no such figure: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
        return 2
    var, began = Path("var") / "bench", monotonic()
    var.mkdir(parents=True, exist_ok=True)
    with Engines(load_settings(var=var, relay_host="127.0.0.1", relay_tls="none")) as engines:
        figures = asyncio.run(_until_told(_measure(engines, var, set(wanted), console)))
    write_summary(figures, var / "summary.json")
    console.print(_table(figures))
    console.print(f"{var}/summary.json ({monotonic() - began:.0f} s)", highlight=False)
    return 0


async def _until_told(measuring: Coroutine[Any, Any, list[Figure]]) -> list[Figure]:
    """On SIGTERM all that was started is stopped."""
    task = asyncio.ensure_future(measuring)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default="", help="names of figures, with commas between them")
    return parser.parse_args()


async def _measure(engines: Engines, var: Path, wanted: set[str], console: Console) -> list[Figure]:
    figures: list[Figure] = []
    for names, bench in BENCHES.items():
        asked = [name for name in names if name in wanted]
        if asked:
            console.print(f"measuring {', '.join(asked)} …", highlight=False)
            figures += await _one(bench, engines, var, set(asked))
    return figures


async def _one(bench: Bench, engines: Engines, var: Path, wanted: Set[str]) -> list[Figure]:
    """One measurement. If it fails, its figures say so and the others are measured all the same."""
    try:
        return [f for f in await bench(engines, var, wanted) if f.name in wanted]
    except Exception as error:  # noqa: BLE001 (whatever it is)
        traceback.print_exception(error)
        note = f"failed: {type(error).__name__}: {error}"
        return [Figure(name=name, value=None, unit="", note=note) for name in sorted(wanted)]


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "value", "unit", "goal", "met")
    for f in figures:
        goal = "" if f.goal is None else f"{'≥' if f.more_is_better else '≤'} {f.goal:g}"
        met = {True: "yes", False: "no", None: ""}[f.met]
        value = f"{f.value:,}" if f.value is not None else ABSENT if f.peer == ABSENT else "failed"
        table.add_row(f.name, value, f.unit, goal, met)
    return table


if __name__ == "__main__":
    sys.exit(main())
