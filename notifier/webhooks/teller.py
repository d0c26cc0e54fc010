"""The teller: a line for each webhook that is called, until told to stop."""

import asyncio
import contextlib
from datetime import timedelta
from time import monotonic
from typing import Final

from notifier.logs import get_logger
from notifier.store import put_off, webhook_calls, webhooks
from notifier.store.failures import passes
from notifier.store.isolation import Isolation
from notifier.store.put_off import Sweep

from .line import TELLER, Desk, Line

log = get_logger(__name__)
_LOOK: Final = 1.0  # seconds between two looks of a line that has nothing to do
_SURVEY: Final = 2.0  # seconds between two looks for webhooks
_KEPT: Final = timedelta(days=7)  # calls that are done
_TIDY: Final = 600.0  # seconds


async def tell(desk: Desk, stop: asyncio.Event) -> None:
    """Call webhooks until ``stop`` is set; returns when the calls in flight have ended.

    Any number of processes may do so: a call is claimed before it is made.
    """
    stops: dict[int, asyncio.Event] = {}
    tidied = -_TIDY
    async with asyncio.TaskGroup() as group:
        while not stop.is_set():
            try:
                await _survey(desk, stops, group)
                if monotonic() - tidied > _TIDY:
                    tidied = monotonic()
                    await _tidy(desk)
            except Exception as error:
                log.warning("webhooks not surveyed", exc_info=not passes(error))
            await _pause(stop, _SURVEY)
        for one in stops.values():
            one.set()


async def _survey(desk: Desk, stops: dict[int, asyncio.Event], group: asyncio.TaskGroup) -> None:
    """Begin and end lines, so that there is one for each webhook that is called."""
    async with desk.engine.connect() as conn:
        wanted = await webhooks.enabled(conn, now=desk.now())
    for webhook_id in stops.keys() - wanted:
        stops.pop(webhook_id).set()
    for webhook_id in wanted - stops.keys():
        stops[webhook_id] = stop = asyncio.Event()
        group.create_task(_run(desk, webhook_id, stop, stops))


async def _run(
    desk: Desk, webhook_id: int, stop: asyncio.Event, stops: dict[int, asyncio.Event]
) -> None:
    """Call one webhook until told to stop; the others go on whatever becomes of it.

    One that breaks is put off, and taken out of ``stops``, so that it begins anew when it is due.
    """
    line, known_to_work = Line(desk, webhook_id), False
    while not stop.is_set():
        made = False
        try:
            made = await line.turn()
            if made and not known_to_work:
                async with desk.engine.begin() as conn:
                    await put_off.done(conn, Sweep.WEBHOOK, [webhook_id])
                known_to_work = True
        except Exception as error:
            log.warning("webhook not called", webhook=webhook_id, exc_info=not passes(error))
            if not passes(error) and await _put_off(desk, webhook_id, error):
                if stops.get(webhook_id) is stop:
                    del stops[webhook_id]
                return
        if not made:
            await _pause(stop, _LOOK)


async def _put_off(desk: Desk, webhook_id: int, error: Exception) -> bool:
    """Call a webhook later, with a task for a person; False where the record is away."""
    isolation = Isolation(sweep=Sweep.WEBHOOK, actor=TELLER, now=desk.now())
    try:
        async with desk.engine.begin() as conn:
            await isolation.put_off(conn, [webhook_id], error)
    except Exception as problem:
        log.warning("webhook not put off", webhook=webhook_id, exc_info=not passes(problem))
        return False
    return True


async def _tidy(desk: Desk) -> None:
    async with desk.engine.begin() as conn:
        await webhook_calls.forget(conn, before=desk.now() - _KEPT)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
