"""``/v1/decisions`` and ``/v1/deliveries``: pages of a feed in order, for those who poll."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Final, Protocol

from fastapi import APIRouter, Request, Response

from notifier.app.decisions import OUTCOMES
from notifier.model.access import Scope
from notifier.model.change import TOLD, Change
from notifier.model.errors import BadInput, FieldError
from notifier.model.outcome import ToldDecision
from notifier.model.states import State
from notifier.webhooks.feed import UnknownPosition

from .callers import admitted
from .problems import answer, bad_input, problem
from .queries import FeedForm, FeedQuery, feed_query
from .services import Services

DECISIONS: Final = FeedForm("outcome", OUTCOMES, prefix="d")
DELIVERIES: Final = FeedForm("state", tuple(TOLD))
_LOOK: Final = 0.5  # seconds between two looks while waiting


class Paged(Protocol):
    """A page of a feed."""

    @property
    def items(self) -> Sequence[Change | ToldDecision]:
        """What is on it."""

    @property
    def next(self) -> int:
        """The position to read on from."""

    @property
    def more(self) -> bool:
        """Whether there is more behind it by now."""


#: Reads a page for a source, from a position on (None: from now on).
Read = Callable[[str, int | None, FeedQuery], Awaitable[Paged]]


def routes(services: Services) -> APIRouter:
    """The routes for what was decided about events, and for changes of state of messages."""
    router = APIRouter(prefix="/v1")

    async def decisions(source: str, after: int | None, query: FeedQuery) -> Paged:
        return await services.decisions(source, after, limit=query.limit, only=query.only)

    async def changes(source: str, after: int | None, query: FeedQuery) -> Paged:
        states = [State(name) for name in query.only]
        return await services.changes(source, after, limit=query.limit, states=states)

    @router.get("/decisions")
    async def get_decisions(request: Request) -> Response:
        """The next page of decisions; ``next`` is the ``after`` of the one behind it."""
        return await _page(
            request,
            services,
            Scope.EVENTS_READ,
            name="decisions",
            form=DECISIONS,
            read=decisions,
        )

    @router.get("/deliveries")
    async def get_deliveries(request: Request) -> Response:
        """The next page of changes of state; ``next`` is the ``after`` of the one behind it."""
        return await _page(
            request,
            services,
            Scope.DELIVERIES_READ,
            name="deliveries",
            form=DELIVERIES,
            read=changes,
        )

    return router


async def _page(
    request: Request, services: Services, scope: Scope, *, name: str, form: FeedForm, read: Read
) -> Response:
    """The answer to a request for a page: its items under ``name``, ``next`` and ``more``.

    ``scope``: what the key must be good for.
    """
    admission = await admitted(request, services, scope, tests=False)
    if isinstance(admission, Response):
        return admission
    language, caller = admission
    try:
        query = feed_query(request.query_params, form)
        page = await _wait_for(lambda after: read(caller.source, after, query), query)
    except BadInput as wrong:
        return bad_input(wrong.errors, language)
    except UnknownPosition:
        error = FieldError("after", "unknown_position")
        return problem(410, "unknown_position", language, errors=[error])
    items = [replace(i, position=f"{form.prefix}{i.position}") for i in page.items]
    return answer(200, {name: items, "next": form.position(page.next), "more": page.more})


async def _wait_for(look: Callable[[int | None], Awaitable[Paged]], query: FeedQuery) -> Paged:
    """The page; an empty one at the end only when the time to wait is over."""
    end, after = monotonic() + query.wait, query.after
    while True:
        page = await look(after)
        if page.items or monotonic() >= end:
            return page
        after = page.next
        if not page.more:
            await asyncio.sleep(_LOOK)
