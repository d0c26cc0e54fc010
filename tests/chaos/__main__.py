"""``python -m tests.chaos``: faults while messages go through; writes ``var/chaos/summary.json``.

Environment: CHAOS_MESSAGES (100000), CHAOS_FAULTS (one for 500 messages, and each kind at least
once), CHAOS_SEED (a random one), CHAOS_MINUTES (25), CHAOS_VAR (var/chaos).
"""

import asyncio
import json
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any, Final

import uvloop

from notifier.runtime.engines import Engines
from notifier.runtime.settings import PREFIX, load_settings
from tests.chaos.course import SESSIONS, Outcome, Plan, play
from tests.chaos.disk import Disk, mounted
from tests.chaos.faults import Kind
from tests.chaos.house import clear

_OPENING: Final = 300.0  # seconds for engines, members and processes


def main() -> int:
    """Run; 0 if nothing was lost, nothing doubled, and no more is uncertain than may be."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]  # the developer's own settings are none of the run's business
    plan, var = _plan(), Path(os.environ.get("CHAOS_VAR", "var/chaos")).resolve()
    _say(f"seed {plan.seed} (CHAOS_SEED), {plan.messages:,} messages, {plan.faults} faults")
    var.mkdir(parents=True, exist_ok=True)
    given = load_settings(var=var, relay_host="127.0.0.1", relay_tls="none")
    with mounted(var) as disk, Engines(given, database="chaos", stream=True) as engines:
        clear(var)
        outcome = uvloop.run(_bounded(plan, var, engines, disk))
    wrong = _wrong(plan, outcome)
    summary = _summary(plan, outcome, wrong)
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    (var / "summary.json").write_text(text + "\n")
    _say(text)
    for line in wrong:
        _say(f"✗ {line}")
    return 1 if wrong else 0


def _plan() -> Plan:
    def given(name: str, default: int) -> int:
        return int(os.environ.get(f"CHAOS_{name}") or default)

    messages = given("MESSAGES", 100_000)
    seconds = 60.0 * float(os.environ.get("CHAOS_MINUTES") or 25)
    return Plan(
        messages=messages,
        faults=given("FAULTS", max(len(Kind), messages // 500)),
        seed=given("SEED", secrets.randbelow(10**6)),
        attack=seconds * 0.75,
        rest=seconds * 0.25,
    )


async def _bounded(plan: Plan, var: Path, engines: Engines, disk: Disk | None) -> Outcome:
    """The run, in bounded time; SIGTERM ends it as Ctrl-C does, with all its processes."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(_OPENING + plan.attack + plan.rest * SESSIONS):
        return await play(plan, var, engines, _say, disk=disk)


def _wrong(plan: Plan, outcome: Outcome) -> list[str]:
    """What must not be."""
    wrong = outcome.verdict.wrong(outcome.faults.permits)
    if outcome.faults.total < plan.faults:
        wrong.append(f"faults: {outcome.faults.total}, not {plan.faults}: the time was up")
    wrong += [f"faults: no {kind}" for kind in Kind if not outcome.faults.counts[kind]]
    if left := outcome.faults.left_behind:
        wrong.append(f"processes of a killed collection that lived on: {left}")
    return wrong


def _summary(plan: Plan, outcome: Outcome, wrong: list[str]) -> dict[str, Any]:
    verdict, faults = outcome.verdict, outcome.faults
    return {
        "messages": verdict.messages,
        "faults": {kind: faults.counts[kind] for kind in Kind},
        "faults_total": faults.total,
        "faults_missed": faults.missed,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "unproved": len(verdict.unproved),
        "policy_resends": verdict.policy_resends,
        "policy_copies": verdict.policy_copies,
        "uncertain": verdict.uncertain,
        "uncertain_settled": verdict.uncertain_settled,
        "in_flight_bound": faults.permits,
        "states": dict(sorted(verdict.states.items())),
        "seed": plan.seed,
        "seconds": round(outcome.seconds, 1),
        **outcome.figures,
        "wrong": wrong,
    }


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
