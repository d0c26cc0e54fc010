"""Broken and hostile mails through reader, judge and record: ``python -m tests.returns.flood``.

``[COUNT [SEED]]``: 100,000 by default, as ``make fuzz`` has it. Random bytes and mutated reports,
some of which name mails of ours, sent or not, or an address of ours and a mail that never was.
Nothing may raise, each is on record once, and only mails whose token somebody brought may change.
"""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import RowMapping

from notifier.demo.post_office import PostOffice
from notifier.model.message import new_token
from notifier.model.returns import Outcome, ReturnReason, Standing
from notifier.model.states import State
from notifier.returns.receiver import Mail, ReturnReceiver
from notifier.runtime.engines import Engines
from notifier.runtime.settings import Settings
from notifier.store.db import connect
from notifier.store.migrate import upgrade
from tests.returns.desk import Desk
from tests.returns.fuzz import check, inputs, mutated
from tests.returns.reports import report

_TOGETHER: Final = 200
_NAMED, _QUIET, _WAITING = 30, 5, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The mails on record before the flood."""

    named: Sequence[RowMapping]  # sent, and their tokens get about
    quiet: Sequence[RowMapping]  # sent; of these only the addresses get about
    waiting: Sequence[RowMapping]  # named, but they have not left
    addresses: dict[str, str]  # token → address


async def staged(desk: Desk) -> Stage:
    """Put mails on record."""
    sent = await desk.sent(_NAMED + _QUIET)
    ids = [await desk.send() for _ in range(_WAITING)]
    found = await desk.rows("SELECT * FROM messages ORDER BY message_id")
    waiting = [r for r in found if r["message_id"] in ids]
    addresses = {r["token"]: await desk.address(r) for r in found}
    return Stage(named=sent[:_NAMED], quiet=sent[_NAMED:], waiting=waiting, addresses=addresses)


def mails(stage: Stage, count: int, seed: int) -> Iterator[Mail]:
    """Noise and mutated samples, and every third a mutated report that names something of ours."""
    chance = random.Random(seed)
    tokens = [r["token"] for r in (*stage.named, *stage.waiting)]
    known = [report(t, stage.addresses[t]) for t in tokens]
    known += [report(t, stage.addresses[t], action="delivered", status="2.0.0") for t in tokens]
    forged = [stage.addresses[r["token"]] for r in stage.quiet]
    for number, data in enumerate(inputs(count, seed)):
        path = chance.choice([chance.choice(tokens), new_token()])
        recipients = (f"b+{path}@bounce.example.jp",) if chance.random() < 0.1 else ()
        match number % 6:
            case 0:
                yield Mail(mutated(chance, known), "smtp", recipients=recipients)
            case 3:
                false = report(new_token(), chance.choice(forged))
                yield Mail(mutated(chance, [false, *known[:1]]), "smtp")
            case _:
                yield Mail(data, "smtp", recipients=recipients)


async def flood(desk: Desk, count: int, seed: int) -> Counter[str]:
    """Take so many; where they stand, and for what reason."""
    stage = await staged(desk)
    post = ReturnReceiver(engine=desk.engine, now=desk.now)
    given = mails(stage, count, seed)
    brought: set[str] = set()
    counted: Counter[str] = Counter()
    while some := list(islice(given, _TOGETHER)):
        brought |= _tokens(stage, some)
        done = await _taken(desk, post, some)
        counted.update(o.reason or o.standing for o in done)
    await _hold(desk, stage, brought, count)
    return counted


def _tokens(stage: Stage, some: Sequence[Mail]) -> set[str]:
    """The tokens that stand somewhere in mails."""
    text = b"\n".join([*(m.data for m in some), *(r.encode() for m in some for r in m.recipients)])
    text = text.lower()
    return {t for t in stage.addresses if t.encode() in text}


async def _taken(desk: Desk, post: ReturnReceiver, some: Sequence[Mail]) -> list[Outcome]:
    given = await post.read(some)
    for one in given:
        check(one.reading)
    done = await desk.apply(*given)  # not by the desk, which would keep what breaks for a person
    assert not [o for o in done if o.reason is ReturnReason.BROKEN]
    return done


async def _hold(desk: Desk, stage: Stage, brought: set[str], count: int) -> None:
    """What must be true afterwards."""
    [kept] = await desk.rows(
        "SELECT sum(times) AS times, count(DISTINCT sha256) = count(*) AS once FROM returns"
    )
    assert (kept["times"], kept["once"]) == (count, True)
    open_ = {r["token"] for r in stage.named} & brought
    found = await desk.rows("SELECT * FROM messages ORDER BY message_id")
    for r in found:
        if r["token"] not in open_:
            before = State.QUEUED if r["token"] in {w["token"] for w in stage.waiting} else "sent"
            assert r["state"] == before, r["message_id"]
            assert await desk.entries(r["message_id"]) == []
    assert {a for a, _, _ in await desk.suppressed()} <= {stage.addresses[t] for t in open_}
    logged = await desk.rows(
        """SELECT DISTINCT ON (message_id) message_id, after FROM log
           WHERE kind = 'move' ORDER BY message_id, position DESC"""
    )
    states = {r["message_id"]: r["state"] for r in found}
    assert {r["message_id"]: r["after"] for r in logged}.items() <= states.items()
    assert open_, "nothing of ours was named: the flood shows nothing"


async def main(count: int = 100_000, seed: int = 0) -> None:
    """Take the flood on a database of its own; tell where it stands."""
    with (
        tempfile.TemporaryDirectory(prefix="notifier-flood-") as folder,
        Engines(Settings(var=Path(folder)), postgres={"fsync": "off"}) as engines,
    ):
        await upgrade(engines.urls.migrations)
        engine = connect(engines.urls.migrations)
        async with PostOffice(Path(folder) / "mail") as office:
            counted = await flood(Desk(engine, office, Path(folder) / "rig"), count, seed)
        await engine.dispose()
    for name, n in counted.most_common():
        sys.stdout.write(f"{n:>9,} {name}\n")
    assert counted[Standing.APPLIED]


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
