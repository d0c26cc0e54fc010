"""The contest: our whole way against peers, turn by turn, on the same data and the same sink."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from notifier.runtime.engines import Engines
from tests.bench import mailing, ours
from tests.bench.figures import ABSENT, Absent, Figure
from tests.bench.ground import Contestant, Ground, Opener
from tests.bench.house import House, house
from tests.bench.ours import Ours
from tests.bench.peers import bare_aiosmtplib, bullmq, django_post_office, smtp_source
from tests.bench.sink import Sink, sink

MAILS: Final = int(os.environ.get("BENCH_MAILS", "15000"))  # to each worker, in one turn
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_FIRST: Final = 500  # mails that are sent before anything counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A figure: the rate of one contestant by that of another."""

    name: str
    who: str
    peer: str
    goal: float | None = None


RATIOS: Final = (
    Ratio(name="mail_1_worker_vs_smtp_source", who="ours 1", peer="smtp-source", goal=0.30),
    Ratio(name="mail_2_workers_vs_smtp_source", who="ours 2", peer="smtp-source", goal=0.42),
    Ratio(name="mail_vs_bullmq_nodemailer", who="ours 1", peer="bullmq", goal=3.0),
    Ratio(name="mail_vs_post_office_1", who="ours 1", peer="post_office 1", goal=4.0),
    Ratio(name="mail_vs_post_office_2", who="ours 2", peer="post_office 2", goal=3.5),
    Ratio(name="aiosmtplib_vs_smtp_source", who="aiosmtplib", peer="smtp-source"),
)
NAMES: Final = tuple(ratio.name for ratio in RATIOS)


def _ours(workers: int) -> Opener:
    @asynccontextmanager
    async def opener(ground: Ground) -> AsyncIterator[Contestant]:
        yield Ours(ground.house, ground.sink, workers=workers, mails=MAILS * workers)

    return opener


OPENERS: Final[Mapping[str, Opener]] = {
    "ours 1": _ours(1),
    "smtp-source": smtp_source.opened,
    "ours 2": _ours(2),
    "aiosmtplib": bare_aiosmtplib.opened,
    "bullmq": bullmq.opened,
    "post_office 1": django_post_office.opener(1),
    "post_office 2": django_post_office.opener(2),
}


class Standings:
    """The rates of each contestant, turn by turn, and who fell out and why."""

    def __init__(self) -> None:
        self.rates: dict[str, list[float]] = {}
        self.labels: dict[str, str] = {}
        self.out: dict[str, Exception] = {}

    async def turn(self, name: str, contestant: Contestant) -> None:
        """Let one run, unless it has fallen out."""
        if name in self.out:
            return
        try:
            rate = await contestant.run()
        except Exception as error:  # noqa: BLE001 (the others go on)
            self.out[name] = error
        else:
            self.rates.setdefault(name, []).append(rate)

    def figure(self, ratio: Ratio) -> Figure:
        """What the turns came to: the median of the ratios, each within one round."""
        for name in (ratio.who, ratio.peer):
            if name in self.out:
                return self._missing(ratio, self.out[name])
        pairs = zip(self.rates[ratio.who], self.rates[ratio.peer], strict=True)
        each = [mine / other for mine, other in pairs]
        return Figure(
            name=ratio.name,
            value=round(median(each), 3),
            unit="ratio",
            goal=ratio.goal,
            more_is_better=True,
            peer={"name": self.labels[ratio.peer], **self._rate(ratio.peer)},
            note=f"{self.labels[ratio.who]}: {self._rate(ratio.who)['value']:,} mails/s; "
            f"ratio in each round: {', '.join(f'{one:.3f}' for one in each)}; "
            f"load of the machine {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores",
        )

    def _rate(self, name: str) -> dict[str, object]:
        return {"value": round(median(self.rates[name])), "unit": "mails/s"}

    @staticmethod
    def _missing(ratio: Ratio, error: Exception) -> Figure:
        return Figure(
            name=ratio.name,
            value=None,
            unit="ratio",
            goal=ratio.goal,
            more_is_better=True,
            peer=ABSENT if isinstance(error, Absent) else None,
            note=str(error) or type(error).__name__,
        )


async def measure(engines: Engines, var: Path, wanted: Set[str]) -> list[Figure]:
    """The figures of :data:`RATIOS` that are wanted."""
    ratios = [ratio for ratio in RATIOS if ratio.name in wanted]
    standings = Standings()
    try:
        async with _ground(engines, var) as ground, AsyncExitStack() as stack:
            field = await _enter(ratios, ground, standings, stack)
            await _rounds(field, standings)
    except Absent as error:
        standings.out = dict.fromkeys(OPENERS, error)
    return [standings.figure(ratio) for ratio in ratios]


@asynccontextmanager
async def _ground(engines: Engines, var: Path) -> AsyncIterator[Ground]:
    async with house("contest", engines, var, people=0) as place, sink(place.folder) as drain:
        await mailing.register(place.parts.engine, 2 * MAILS)
        size = await _warm(place, drain)
        yield Ground(
            engines=engines,
            folder=place.folder,
            house=place,
            sink=drain,
            peers=var / "peers",
            size=size,
        )


async def _warm(place: House, drain: Sink) -> int:
    """A small mailing, so that caches are warm and the size of a mail is known."""
    await Ours(place, drain, workers=1, mails=_FIRST).run()
    return await ours.mean_size(place)


async def _enter(
    ratios: Sequence[Ratio], ground: Ground, standings: Standings, stack: AsyncExitStack
) -> dict[str, Contestant]:
    """Open whoever takes part in these ratios."""
    needed = {name for ratio in ratios for name in (ratio.who, ratio.peer)}
    field: dict[str, Contestant] = {}
    for name in OPENERS:
        if name in needed:
            try:
                field[name] = await stack.enter_async_context(OPENERS[name](ground))
            except Exception as error:  # noqa: BLE001 (the others go on)
                standings.out[name] = error
            else:
                standings.labels[name] = field[name].label
    return field


async def _rounds(field: Mapping[str, Contestant], standings: Standings) -> None:
    """Turn by turn, every other round backwards, so that a drift of the machine cancels out."""
    order = list(field)
    for n in range(ROUNDS):
        for name in order if n % 2 == 0 else reversed(order):
            await standings.turn(name, field[name])
