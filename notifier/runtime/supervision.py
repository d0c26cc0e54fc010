"""Supervision: what runs in the background is begun anew when it ends.

A task that ends before it was told to is logged, counted and begun anew after a pause that doubles
from one to 30 seconds. Until it has run for a while again, the process is not ready (``/readyz``).
A wrong setting is no accident: it goes to whoever waits, and ends the process.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from notifier.logs import get_logger

from .settings import BadSettings

_log = get_logger(__name__)
_FIRST: Final = 1.0  # seconds before it is begun anew
_LONGEST: Final = 30.0
_SOUND: Final = 3.0  # seconds after which it counts as running again

Work = Callable[[], Awaitable[object]]


class Supervisor:
    """Keeps the background tasks of one process. ``restarts``: how often each was begun anew."""

    def __init__(self, *, first: float = _FIRST, sound: float = _SOUND) -> None:
        self.restarts: Counter[str] = Counter()
        self._failing: dict[object, str] = {}
        self._first, self._sound = first, sound

    @property
    def failing(self) -> tuple[str, ...]:
        """Names of the tasks that have ended and do not run soundly again yet."""
        return tuple(sorted(self._failing.values()))

    async def keep(
        self, name: str, work: Work, *, stop: asyncio.Event | None = None, longest: float = _LONGEST
    ) -> None:
        """Run ``work``, again whenever it ends, until ``stop`` is set and it has ended.

        Without ``stop`` until it is cancelled. Raises :class:`BadSettings` of the work.
        """
        stop = stop or asyncio.Event()
        mark, pause, loop = object(), self._first, asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                sound = loop.call_later(self._sound, self._runs, mark)
                try:
                    error = await _ended(work)
                finally:
                    sound.cancel()
                if stop.is_set() and error is None:
                    return
                if loop.time() - began > longest:
                    pause = self._first
                self._failing[mark] = name
                self.restarts[name] += 1
                _log.error("task ended", task=name, times=self.restarts[name], exc_info=error)
                if await _is_set(stop, pause):
                    return
                pause = min(pause * 2, longest)
        finally:
            self._failing.pop(mark, None)

    def _runs(self, mark: object) -> None:
        if name := self._failing.pop(mark, None):
            _log.info("task runs again", task=name, times=self.restarts[name])

    @asynccontextmanager
    async def beside(
        self, name: str, work: Work, *, longest: float = _LONGEST
    ) -> AsyncIterator[None]:
        """Keep ``work`` running within, beside what the caller does."""
        kept = asyncio.create_task(self.keep(name, work, longest=longest))
        try:
            yield
        finally:
            kept.cancel()
            await asyncio.gather(kept, return_exceptions=True)


async def _ended(work: Work) -> Exception | None:
    """What ended the work; None where it came to its end by itself."""
    try:
        await work()
    except BadSettings:
        raise
    except ExceptionGroup as several:
        if wrong := several.subgroup(BadSettings):
            raise wrong from None
        return several
    except Exception as error:  # noqa: BLE001 (told by the caller)
        return error
    return None


async def _is_set(stop: asyncio.Event, seconds: float) -> bool:
    """Whether it is set within so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
