"""Direct: kept connections on which every statement commits by itself.

For the few statements of the hot path. They take one round trip, where the library's own way of
a connection from the pool (a ping, a begin, a commit, a rollback) takes four, and a third of the
processor time.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

_NAME: Final = re.compile(r"(?<![:\w]):([a-z_]\w*)")
#: All statements here reach their rows by key. Without statistics, as in a fresh partition, the
#: planner takes tables for small, and keeps for ever a plan that reads all of them.
_BY_KEY: Final = "SET enable_seqscan = off"
#: Planning takes as long as a permit for a dozen messages, so each statement is planned once.
_PLANNED_ONCE: Final = "; SET plan_cache_mode = force_generic_plan"


_PATIENCE: Final = 30.0  # seconds for one statement; a server that vanished says nothing


class Direct:
    """Up to ``most`` connections of an engine's pool, kept until :meth:`close`."""

    def __init__(self, engine: AsyncEngine, *, most: int = 4, planned_once: bool = True) -> None:
        """``planned_once``: for statements whose best plan does not hang on their parameters."""
        self._engine = engine
        self._settings = _BY_KEY + _PLANNED_ONCE * planned_once
        self._free: list[_Kept] = []  # the last used is the first taken
        self._room = asyncio.Semaphore(most)

    async def rows(self, sql: str, params: Mapping[str, Any]) -> Sequence[asyncpg.Record]:
        """Run a statement and commit; all rows of its result.

        Raises what the server says as asyncpg has it, and :class:`ConnectionError` where it says
        nothing; then whether the statement was committed is unknown.
        """
        text, names = _numbered(sql)
        async with self._room:
            try:
                return await self._run(text, [params[name] for name in names])
            except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                self.close()  # the others will have fared no better
                raise ConnectionError(f"{type(error).__name__}: {error}") from error

    async def _run(self, text: str, values: Sequence[Any]) -> Sequence[asyncpg.Record]:
        kept = self._free.pop() if self._free else await _Kept.open(self._engine, self._settings)
        try:
            found: Sequence[asyncpg.Record] = await kept.driver.fetch(
                text, *values, timeout=_PATIENCE
            )
        except BaseException:
            kept.drop()  # it may be in the middle of something, and a new one is cheap
            raise
        self._free.append(kept)
        return found

    def close(self) -> None:
        """Let go of the connections."""
        while self._free:
            self._free.pop().drop()


class _Kept:
    """A connection that has left the pool for good."""

    def __init__(self, proxy: PoolProxiedConnection, driver: asyncpg.Connection) -> None:
        self._proxy = proxy
        self.driver = driver

    @classmethod
    async def open(cls, engine: AsyncEngine, settings: str) -> "_Kept":
        try:
            proxy = await engine.raw_connection()
        except engine.dialect.loaded_dbapi.Error as error:
            # The library hands out its own copy of what the server said, as while it starts up.
            said = error.__cause__
            if isinstance(said, asyncpg.PostgresError):
                raise said from None
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        driver = proxy.driver_connection
        if not isinstance(driver, asyncpg.Connection):
            raise TypeError("asyncpg is expected")
        kept = cls(proxy, driver)
        try:
            await driver.execute(settings)
        except BaseException:
            kept.drop()
            raise
        return kept

    def drop(self) -> None:
        self.driver.terminate()
        self._proxy.invalidate()


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """A statement with ``$1`` for its first ``:name``, and the names in this order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return _NAME.sub(number, sql), tuple(names)
