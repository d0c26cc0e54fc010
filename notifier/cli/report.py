"""``notifier report``: what became of a mailing, a campaign, a batch or a notice."""

from datetime import datetime, time, timedelta
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.decide.calendar import JAPAN
from notifier.model.batch import batch_number
from notifier.model.errors import NotAllowed
from notifier.runtime.parts import Parts
from notifier.store import figures
from notifier.store.figures import Figures
from notifier.write.labels import label

from .about import BatchName, Campaign, Mailing
from .session import run, wrong_use
from .tables import facts, show

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day in Japan.")]


def report(
    mailing: Mailing = None,
    campaign: Campaign = None,
    batch: BatchName = None,
    notice: Annotated[str | None, typer.Option(help="Name of a notice.")] = None,
    step: Annotated[str | None, typer.Option(help="Of the notice.")] = None,
    since: Day = None,
    until: Day = None,
) -> None:
    """Sent, delivered, undelivered, and inquiries, of one mailing, campaign, batch or notice."""
    if sum(x is not None for x in (mailing, campaign, batch, notice)) != 1:
        raise wrong_use("one_subject")

    begin, end = _day(since) or _FIRST, _day(until)

    async def wanted(conn: AsyncConnection, now: datetime) -> Figures:
        if mailing is not None:
            return await figures.of_mailing(conn, mailing)
        if campaign is not None:
            return await figures.of_campaign(conn, campaign)
        if batch is not None:
            return await figures.of_batch(conn, batch_number(batch))
        after = (end or now) + timedelta(days=1)
        return await figures.of_notice(conn, notice or "", step, since=begin, until=after)

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await wanted(conn, parts.clock.now())
        if not found.messages and not found.inquiries:
            raise NotAllowed("nothing is on record about that", code="nothing_on_record")
        _show(found, parts.settings.locale)

    run(work)


_YEARS = range(1990, 2200)
_FIRST = datetime(2000, 1, 1, tzinfo=JAPAN)


def _day(given: datetime | None) -> datetime | None:
    if given and given.year not in _YEARS:
        raise wrong_use("bad_year", day=f"{given:%Y-%m-%d}")
    return datetime.combine(given.date(), time(), JAPAN) if given else None


def _show(found: Figures, language: str) -> None:
    counts = {
        "messages": found.messages,
        "left": found.left,
        "waiting": found.messages - found.left,
        "delivered": found.of_state("delivered"),
        "bounced": found.of_state("bounced"),
        "returned": found.of_state("returned"),
        "undelivered": found.undelivered,
        "uncertain": found.of_state("uncertain"),
        "inquiries": found.of_kind("inquiry") + found.of_kind("complaint"),
        "open": found.open_inquiries,
    }
    facts(counts.items(), kind="figure")
    states = [
        (label(f"channel.{channel}", language), label(f"state.{state}", language), n)
        for (channel, state), n in found.states.items()
    ]
    show(("channel", "state", "messages"), states)
    if found.inquiries:
        asked = [
            (
                label(f"inquiry.{kind}", language),
                label(f"topic.{topic}", language),
                label(f"inquiry_state.{state}", language),
                n,
            )
            for (kind, topic, state), n in found.inquiries.items()
        ]
        show(("kind", "topic", "state", "inquiries"), asked)
