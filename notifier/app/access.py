"""Refused access: on record with its address, without letting anybody fill the record.

An attacker chooses how many requests come, and to some degree from how many addresses. So requests
of one address are one row a minute, written when their number has doubled; an IPv6 network that
one customer is given counts as one address; beyond some addresses a minute the rest is one row.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.logs import get_logger
from notifier.model.access import Refusal, RefusedAccess
from notifier.store import refused_access
from notifier.store.failures import failure_of

KEPT: Final = timedelta(days=90)
_MOST: Final = 200  # rows of one minute and process
_OTHERS: Final = "*"
_DAY: Final = timedelta(days=1)
_log = get_logger(__name__)


class _Key(NamedTuple):
    minute: datetime
    address: str
    interface: str
    reason: str
    name: str


@dataclass(slots=True)
class _Count:
    """Of one row: how often it came, how much of that is written, when it came last."""

    seen: int
    written: int
    last_at: datetime


class AccessLog:
    """Counts refusals of one process, logs and writes them."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine, self._now = engine, now
        self._counts: dict[_Key, _Count] = {}
        self._swept: datetime | None = None

    async def refused(self, address: str, interface: str, reason: Refusal, name: str = "") -> None:
        """Note that somebody was turned away. Never raises: the answer does not wait for it."""
        now = self._now()
        key = self._key(address, interface, reason, name, now)
        count = self._counts.setdefault(key, _Count(0, 0, now))
        count.seen, count.last_at = count.seen + 1, now
        if count.seen == 1:
            _log.warning(
                "access.refused", interface=interface, reason=reason, key=name, peer=key.address
            )
        due = [k for k in self._counts if k.minute < key.minute]
        if count.seen >= 2 * count.written:
            due.append(key)
        await self._write(due)

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._write(list(self._counts))

    def _key(self, address: str, interface: str, reason: Refusal, name: str, now: datetime) -> _Key:
        minute = now.replace(second=0, microsecond=0)
        key = _Key(minute, _network(address), interface, reason, name)
        if key in self._counts or sum(k.minute == minute for k in self._counts) < _MOST:
            return key
        return _Key(minute, _OTHERS, interface, reason, "")

    async def _write(self, keys: Iterable[_Key]) -> None:
        rows = []
        for key in keys:
            count = self._counts[key]
            if new := count.seen - count.written:
                count.written = count.seen  # before the wait: others come meanwhile
                rows.append({**key._asdict(), "count": new, "last_at": count.last_at})
        self._forget()
        if not rows:
            return
        try:
            async with self._engine.begin() as conn:
                await refused_access.count(conn, rows)
                await self._sweep(conn)
        except Exception as problem:
            if failure_of(problem) is None:
                raise
            _log.warning("access.not_recorded", rows=len(rows), problem=type(problem).__name__)

    def _forget(self) -> None:
        newest = max((key.minute for key in self._counts), default=None)
        for key in [k for k in self._counts if newest is not None and k.minute < newest]:
            del self._counts[key]

    async def _sweep(self, conn: AsyncConnection) -> None:
        now = self._now()
        if self._swept is None or now - self._swept > _DAY:
            self._swept = now
            await refused_access.forget(conn, before=now - KEPT)


def _network(address: str) -> str:
    """An address; of IPv6 the /64, of which one customer has all."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)


async def latest_refusals(engine: AsyncEngine, limit: int) -> list[RefusedAccess]:
    """The latest refusals, newest first."""
    async with engine.connect() as conn:
        return [RefusedAccess(**asdict(r)) for r in await refused_access.latest(conn, limit=limit)]
