"""The teller: a line for each webhook that is called, until told to stop."""

import asyncio
import contextlib
from datetime import timedelta
from time import monotonic
from typing import Final

from sqlalchemy.exc import DBAPIError

from notifier.logs import get_logger
from notifier.store import webhook_calls, webhooks

from .line import Desk, Line

log = get_logger(__name__)
_LOOK: Final = 1.0  # seconds between two looks of a line that has nothing to do
_SURVEY: Final = 2.0  # seconds between two looks for webhooks
_KEPT: Final = timedelta(days=7)  # calls that are done
_TIDY: Final = 600.0  # seconds
_AWAY: Final = (DBAPIError, OSError)  # the record cannot be reached


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
                log.warning("webhooks not surveyed", exc_info=not isinstance(error, _AWAY))
            await _pause(stop, _SURVEY)
        for one in stops.values():
            one.set()


async def _survey(desk: Desk, stops: dict[int, asyncio.Event], group: asyncio.TaskGroup) -> None:
    """Begin and end lines, so that there is one for each webhook that is called."""
    async with desk.engine.connect() as conn:
        wanted = await webhooks.enabled(conn)
    for webhook_id in stops.keys() - wanted:
        stops.pop(webhook_id).set()
    for webhook_id in wanted - stops.keys():
        stops[webhook_id] = asyncio.Event()
        group.create_task(_run(Line(desk, webhook_id), webhook_id, stops[webhook_id]))


async def _run(line: Line, webhook_id: int, stop: asyncio.Event) -> None:
    while not stop.is_set():
        made = False
        try:
            made = await line.turn()
        except Exception as error:
            # The record may be away, or a call be wrong; the other lines go on either way.
            known = isinstance(error, _AWAY)
            log.warning("webhook not called", webhook=webhook_id, exc_info=not known)
        if not made:
            await _pause(stop, _LOOK)


async def _tidy(desk: Desk) -> None:
    async with desk.engine.begin() as conn:
        await webhook_calls.forget(conn, before=desk.now() - _KEPT)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
