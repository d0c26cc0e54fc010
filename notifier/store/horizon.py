"""The horizon: up to which position the log is complete.

Positions are given while transactions run, and these end in another order: whoever reads up to the
newest position that can be seen would skip one that commits later.
"""

import asyncio
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from .db import row, scalar

_LOG: Final = "log_position_seq"
_LOOKS: Final = 20  # for the end, before it is called unknown
_PAUSE: Final = 0.1  # seconds between two of them

_LAST = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"

# First the position, then a transaction id: whoever has a position up to this one had an id by
# then (a move is logged by the statement that makes it), which is smaller. The empty message has
# the commit wait for the disk: claims do not, and a crash would have the positions that they took
# given once more, to moves that a reader has gone past.
_MARK = """
WITH last AS MATERIALIZED (SELECT last_value FROM {sequence})
SELECT last_value AS position, pg_logical_emit_message(true, 'notifier', ''),
    CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS xid
FROM last
"""
_OLDEST = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"


class Reach(NamedTuple):
    """How far the log goes."""

    settled: int  # no move will appear at or below this position any more; 0: not known yet
    last: int  # the newest position that was given


class Unsettled(Exception):
    """Where it ends is not known yet: what ran at the first look at it still runs."""


class _Mark(NamedTuple):
    position: int
    xid: int  # every transaction that has a position up to that one has a smaller id


class Horizon:
    """Follows the log. It moves on whenever the transactions that ran at some moment have ended.

    One that runs for long holds it back, and nothing behind it is told meanwhile. The same goes
    for any table whose rows have positions from a sequence, given to transactions with an id.
    """

    def __init__(self, engine: AsyncEngine, sequence: str = _LOG) -> None:
        self._engine = engine
        self._last = _LAST.format(sequence=sequence)
        self._mark = _MARK.format(sequence=sequence)
        self._settled = 0
        self._waiting: _Mark | None = None

    async def read(self) -> Reach:
        """How far the log is complete now."""
        async with self._engine.connect() as plain:
            # Each statement by itself: it is to see what has ended by then.
            conn = await plain.execution_options(isolation_level="AUTOCOMMIT")
            last = int(await scalar(conn, self._last))
            if last < self._settled:  # an older record was brought back under us
                self._settled, self._waiting = 0, None
            if last == self._settled:
                return Reach(self._settled, last)
            found = await row(conn, self._mark)
            assert found is not None
            mark = _Mark(found["position"], found["xid"])
            self._advance(mark, int(await scalar(conn, _OLDEST)))
        return Reach(self._settled, mark.position)

    async def end(self) -> int:
        """The position behind which nothing has been told yet. Raises :class:`Unsettled`.

        Whoever begins here must not be told all that is on record because somebody else is busy.
        """
        for _ in range(_LOOKS):
            reach = await self.read()
            if reach.settled or not reach.last:
                return reach.settled
            await asyncio.sleep(_PAUSE)
        raise Unsettled

    def _advance(self, mark: _Mark, oldest: int) -> None:
        marks = [m for m in (self._waiting, mark) if m is not None]
        ended = [m.position for m in marks if m.xid < oldest]
        self._settled = max(self._settled, *ended, 0)
        # The earliest is kept: under load there is always somebody who began after it.
        running = [m for m in marks if m.xid >= oldest]
        self._waiting = min(running, key=lambda m: m.xid, default=None)
