"""``notifier report``: what became of a mailing, a campaign, a batch or a notice."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.batch import batch_number
from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.model.notice import Notice
from notifier.rendering.labels import label
from notifier.rules.calendar import JAPAN
from notifier.runtime.parts import Parts
from notifier.store import figures
from notifier.store.figures import By, Figures, Span

from .about import BatchName, Campaign, Mailing
from .session import out, run, wrong_use
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
    by: Annotated[
        By, typer.Option(help="What --since and --until go by: when it was sent, or created.")
    ] = By.SENT,
) -> None:
    """Sent, delivered, undelivered, and inquiries, of one mailing, campaign, batch or notice."""
    if sum(x is not None for x in (mailing, campaign, batch, notice)) != 1:
        raise wrong_use("one_subject")
    if notice is None and (step, since, until) != (None, None, None):
        raise wrong_use("only_with_notice")
    period = _period(since, until)

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        async with parts.engine.connect() as conn:
            if notice is not None:
                _check_notice(parts.writer.notices, notice, step)
                begin, end = period
                found = await figures.of_notice(conn, notice, step, since=begin, until=end, by=by)
                _show(found, language)
                if not found.messages:
                    _nothing(await figures.span(conn, notice, step), by, language)
                return
            key = batch_number(batch) if batch is not None else None
            named = {"mailing": mailing, "campaign": campaign, "batch": key}
            [(what, value)] = [(w, v) for w, v in named.items() if v is not None]
            if not await figures.known(conn, what, value):
                raise NotFound(what, batch or value)
            _show(await _OF[what](conn, value), language)

    run(work)


_YEARS = range(1990, 2200)
_OF: Final[Mapping[str, Callable[[AsyncConnection, Any], Awaitable[Figures]]]] = {
    "mailing": figures.of_mailing,
    "campaign": figures.of_campaign,
    "batch": figures.of_batch,
}


def _period(
    since: datetime | None, until: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day up to the end of the last one, in Japan."""
    begin, last = _day(since), _day(until)
    if begin and last and last < begin:
        raise wrong_use("until_before_since")
    return begin, last + timedelta(days=1) if last else None


def _day(given: datetime | None) -> datetime | None:
    if given and given.year not in _YEARS:
        raise wrong_use("bad_year", day=f"{given:%Y-%m-%d}")
    return datetime.combine(given.date(), time(), JAPAN) if given else None


def _check_notice(notices: Mapping[str, Notice], name: str, step: str | None) -> None:
    if name not in notices:
        raise BadInput([FieldError("notice", "not_one_of", {"allowed": ", ".join(notices)})])
    steps = notices[name].steps
    if step is not None and step not in steps:
        raise BadInput([FieldError("step", "not_one_of", {"allowed": ", ".join(steps)})])


def _nothing(span: Span, by: By, language: str) -> None:
    """What there is, where nothing is in the period: an empty table looks like a fact."""
    if not span.messages:
        out.print(label("cli.report_none", language))
        return
    days = {
        name: f"{at.astimezone(JAPAN):%Y-%m-%d}" if at else "—"
        for name, at in (("first", span.first), ("last", span.last))
    }
    key = f"cli.report_none_{by}"
    out.print(label(key, language, count=f"{span.messages:,}", **days), highlight=False)


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
        "by_member": found.by_member,
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
