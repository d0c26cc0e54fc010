"""Figures: what became of a mailing, a campaign, a batch or a notice."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.batch import batch_name
from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.model.notice import Notice
from notifier.store import figures as store
from notifier.store.figures import By, Figures, Span

__all__ = ["By", "Figures", "NoticeSubject", "Span", "of_notice", "of_subject"]
_OF: Final[Mapping[str, Callable[[AsyncConnection, Any], Awaitable[Figures]]]] = {
    "mailing": store.of_mailing,
    "campaign": store.of_campaign,
    "batch": store.of_batch,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSubject:
    """A notice, or a step of one, within a period; None: without an end."""

    notice: str
    step: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # exclusive
    by: By = By.SENT


async def of_subject(engine: AsyncEngine, what: str, key: str | int) -> Figures:
    """Return the figures of a mailing, campaign or batch. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        if not await store.known(conn, what, key):
            raise NotFound(what, batch_name(int(key)) if what == "batch" else key)
        return await _OF[what](conn, key)


async def of_notice(
    engine: AsyncEngine, notices: Mapping[str, Notice], about: NoticeSubject
) -> tuple[Figures, Span | None]:
    """Return the figures of a notice; where they are empty, also all that there is of it.

    Raises :class:`BadInput` for a notice or a step that the program lacks.
    """
    _check("notice", about.notice, notices)
    if about.step is not None:
        _check("step", about.step, notices[about.notice].steps)
    async with engine.connect() as conn:
        found = await store.of_notice(
            conn, about.notice, about.step, since=about.since, until=about.until, by=about.by
        )
        span = None if found.messages else await store.span(conn, about.notice, about.step)
    return found, span


def _check(field: str, name: str, known: Mapping[str, Any] | tuple[str, ...]) -> None:
    if name not in known:
        raise BadInput([FieldError(field, "not_one_of", {"allowed": ", ".join(known)})])
