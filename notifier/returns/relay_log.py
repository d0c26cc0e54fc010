"""What a relay's log says of mails of ours takes effect: all at once, or while the log grows.

Read once, a log tells what became of mails after the relay had taken them, and resolves what is
uncertain: nobody but the relay knows. A log that is followed is read on from where it was read to
(the file's number and a place in it), which goes on record in the transaction in which the lines
take effect. A log that was moved aside is read to its end first.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.resolve import RESEND_WAIT
from notifier.logs import get_logger
from notifier.model.actor import Actor, system
from notifier.model.lines import lines_of
from notifier.model.reasons import Reason
from notifier.model.returns import Return, Standing
from notifier.model.states import State
from notifier.store import refusals, returns
from notifier.store.uncertain import Resolution, resolve_uncertain, uncertain

from .effect import apply
from .postfix_log import Evidence, LogReader, read_log, told

log = get_logger(__name__)

BACK: Final = timedelta(days=10)  # relays keep a mail for five days
_MOST: Final = 500  # lines, or messages, in one transaction
_CHUNK: Final = 262_144  # bytes in one transaction: some thousand lines
_GLANCE: Final = 2.0  # seconds between two looks
_NUMBER: Final = (1 << 63) - 1  # numbers of files are unsigned, those of the record are not


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What became of uncertain mails: message ids."""

    sent: tuple[int, ...]  # the relay has them
    queued: tuple[int, ...]  # it never had them
    left: tuple[int, ...]  # the log does not say


async def apply_log(
    engine: AsyncEngine,
    paths: Sequence[Path],
    *,
    bounce_domain: str,
    actor: Actor,
    now: datetime,
    direct: Sequence[str] = (),
) -> Counter[Standing]:
    """Take what logs say to its messages; how many lines stand where. Raises OSError.

    Mails are known by their return path, and by the queue id that the relay named when it took
    them. ``sent`` says that the next server has a mail: delivered, on that level. The same lines
    again change nothing, so that a log can be read while it grows.
    """
    async with engine.connect() as conn:
        known = await refusals.queue_ids(conn, since=now - BACK)
    counted: Counter[Standing] = Counter()
    for path in paths:
        helpings = told(read_log(path, bounce_domain=bounce_domain, known=known))
        while some := await asyncio.to_thread(_helping, helpings):
            async with engine.begin() as conn:
                done = await apply(conn, some, actor=actor, now=now, direct=direct)
            counted.update(o.standing for o in done)
    return counted


def _helping(given: Iterator[Return]) -> list[Return]:
    return list(islice(given, _MOST))


async def resolve_by_log(
    engine: AsyncEngine,
    paths: Sequence[Path],
    *,
    bounce_domain: str,
    complete: bool = False,
    actor: Actor,
    now: datetime,
) -> Resolved:
    """Resolve uncertain mails by the logs of all relays that they may have gone to.

    What a relay logged as queued is ``sent``, whatever became of it later: a bounce of it comes
    to the return path, as that of any other. What no log names stays as it is, unless
    ``complete``: the caller knows that the logs hold everything from the first transmission to
    now. Then it is queued again, once it has been uncertain for longer than a transmission can
    take. A mail of which there are only the headers stays: it broke off, or is on hold.
    """
    async with engine.connect() as conn:
        open_ = {r.token: r for r in await uncertain(conn)}
    begun, taken = await asyncio.to_thread(_known, paths, bounce_domain, frozenset(open_))
    before = now - RESEND_WAIT
    absent = {
        token
        for token, r in open_.items()
        if complete and token not in begun | taken and r.since <= before
    }
    resolutions = [Resolution(token=t, after=State.SENT) for t in open_ if t in taken]
    resolutions += [Resolution(token=t, after=State.QUEUED) for t in open_ if t in absent]
    moved = await _resolve(engine, resolutions, actor, now)
    by_id = {r.message_id: token for token, r in open_.items()}
    return Resolved(
        sent=tuple(m for m in by_id if m in moved and by_id[m] in taken),
        queued=tuple(m for m in by_id if m in moved and by_id[m] in absent),
        left=tuple(m for m in by_id if m not in moved),
    )


def _known(
    paths: Sequence[Path], bounce_domain: str, wanted: frozenset[str]
) -> tuple[set[str], set[str]]:
    """Tokens of which there are headers at least, and of those that a relay took."""
    begun: set[str] = set()
    taken: set[str] = set()
    for path in paths:
        for line in read_log(path, bounce_domain=bounce_domain):
            if line.token in wanted:
                (begun if line.evidence is Evidence.BEGUN else taken).add(line.token)
    return begun, taken


async def _resolve(
    engine: AsyncEngine, resolutions: Sequence[Resolution], actor: Actor, now: datetime
) -> set[int]:
    moved: set[int] = set()
    for at in range(0, len(resolutions), _MOST):
        async with engine.begin() as conn:
            some = resolutions[at : at + _MOST]
            moved.update(
                await resolve_uncertain(conn, some, reason=Reason.RELAY_LOG, actor=actor, now=now)
            )
    return moved


@dataclass(kw_only=True)
class LogFollower:
    """Follows one log until it is told to stop."""

    engine: AsyncEngine
    path: Path
    bounce_domain: str
    now: Callable[[], datetime]
    actor: Actor = field(default_factory=lambda: system("track"))
    direct: Sequence[str] = ()  # labels of direct relays
    _reader: LogReader | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow it until ``stop``; what breaks is tried again."""
        while not stop.is_set():
            try:
                while await self.look() and not stop.is_set():
                    pass
            except Exception as error:  # noqa: BLE001 (file or record: all begin anew)
                self._reader = None
                log.warning("relay log away", path=str(self.path), error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GLANCE):
                    await stop.wait()

    async def look(self) -> bool:
        """Take the next lines to their messages; False when there are none. Raises OSError."""
        if self._reader is None:
            async with self.engine.connect() as conn:
                known = await refusals.queue_ids(conn, since=self.now() - BACK)
            self._reader = LogReader(self.bounce_domain, known)
        source = f"log:{self.path}"[:200]
        async with self.engine.begin() as conn:
            generation, position = await returns.cursor(conn, source)
            found = await asyncio.to_thread(_next, self.path, generation, position)
            if found is None:
                return False
            generation, position, data = found
            lines = lines_of(data.decode("utf-8", "replace"))
            given = list(told(self._reader.read(lines)))
            now = self.now()
            await apply(conn, given, actor=self.actor, now=now, direct=self.direct)
            await returns.move_cursor(conn, source, generation, position, now=now)
        return True


def _next(path: Path, generation: int, position: int) -> tuple[int, int, bytes] | None:
    """Whole lines after a place: the file's number, the place after them, and they themselves."""
    last = _numbered(path, generation)
    if last is not None and last.stat().st_size < position:  # it was emptied in its place
        return generation, 0, b""
    if last is not None and (data := _lines(last, position)):
        return generation, position + len(data), data
    number = _number(path)
    if number == generation or not (data := _lines(path, 0)):
        return None
    return number, len(data), data


def _number(path: Path) -> int:
    return path.stat().st_ino & _NUMBER


def _numbered(path: Path, generation: int) -> Path | None:
    """The log that was read last, wherever it has been moved in its folder."""
    for one in (path, *sorted(path.parent.glob(f"{path.name}*"))):
        if one.exists() and _number(one) == generation:
            return one
    return None


def _lines(path: Path, position: int) -> bytes:
    """The next whole lines; of a line that is longer than what is read, a piece."""
    with path.open("rb") as file:
        file.seek(position)
        data = file.read(_CHUNK)
    end = data.rfind(b"\n") + 1
    return data[:end] if end or len(data) < _CHUNK else data
