"""``notifier report``: what became of a mailing, a campaign, a batch or a notice."""

from datetime import datetime, time, timedelta

from notifier.app import figures
from notifier.app.figures import By, Figures, NoticeSubject, Span
from notifier.rules.calendar import JAPAN

from .language import word, wrong_use
from .names import Day, OfBatch, OfCampaign, OfMailing
from .output import emitted, out, phrase
from .session import run
from .tables import facts, show

_YEARS = range(1990, 2200)
_COUNTS = (
    "messages", "left", "waiting", "delivered", "bounced", "returned", "undelivered", "uncertain",
    "inquiries", "by_member", "open",
)  # fmt: skip


def report(
    mailing: OfMailing = None,
    campaign: OfCampaign = None,
    batch: OfBatch = None,
    notice: str | None = None,
    step: str | None = None,
    since: Day = None,
    until: Day = None,
    by: By = By.SENT,
) -> None:
    """Print sent, delivered, undelivered and inquiries of a mailing, campaign, batch or notice."""
    named = {"mailing": mailing, "campaign": campaign, "batch": batch, "notice": notice}
    given = {what: key for what, key in named.items() if key is not None}
    if len(given) != 1:
        wrong_use("one_subject")
    if notice is None and (step, since, until) != (None, None, None):
        wrong_use("only_with_notice")
    begin, end = _period(since, until)
    if notice is None:
        [(what, key)] = given.items()
        _show(run(lambda parts: figures.of_subject(parts.engine, what, key)))
        return
    about = NoticeSubject(notice=notice, step=step, since=begin, until=end, by=by)
    found, span = run(lambda parts: figures.of_notice(parts.engine, parts.writer.notices, about))
    _show(found, span, by)


def _period(
    since: datetime | None, until: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Return the beginning of the first day and the end of the last one, in Japan."""
    begin, last = _day(since), _day(until)
    if begin and last and last < begin:
        wrong_use("until_before_since")
    return begin, last + timedelta(days=1) if last else None


def _day(given: datetime | None) -> datetime | None:
    if given and given.year not in _YEARS:
        wrong_use("bad_year", day=f"{given:%Y-%m-%d}")
    return datetime.combine(given.date(), time(), JAPAN) if given else None


def _show(found: Figures, span: Span | None = None, by: By = By.SENT) -> None:
    if emitted(_as_json(found)):
        return
    facts(_COUNTS, found, _counts, kind="figure")
    states = [(word("channel", c), word("state", s), n) for (c, s), n in found.states.items()]
    show(("channel", "state", "messages"), states, tuple)
    if found.inquiries:
        asked = [
            (word("inquiry", kind), word("topic", topic), word("inquiry_state", state), n)
            for (kind, topic, state), n in found.inquiries.items()
        ]
        show(("kind", "topic", "state", "inquiries"), asked, tuple)
    if span is not None:
        _nothing(span, by)


def _counts(found: Figures) -> tuple[int, ...]:
    return (
        found.messages,
        found.left,
        found.messages - found.left,
        found.of_state("delivered"),
        found.of_state("bounced"),
        found.of_state("returned"),
        found.undelivered,
        found.of_state("uncertain"),
        found.of_kind("inquiry") + found.of_kind("complaint"),
        found.by_member,
        found.open_inquiries,
    )


def _as_json(found: Figures) -> dict[str, object]:
    states = [{"channel": c, "state": s, "messages": n} for (c, s), n in found.states.items()]
    inquiries = [
        {"kind": kind, "topic": topic, "state": state, "inquiries": n}
        for (kind, topic, state), n in found.inquiries.items()
    ]
    counts = dict(zip(_COUNTS, _counts(found), strict=True))
    return {**counts, "states": states, "inquiries_by_state": inquiries}


def _nothing(span: Span, by: By) -> None:
    """Print all that there is, where nothing is in the period: an empty table looks like a fact."""
    if not span.messages:
        out.print(phrase("cli.report_none"))
        return
    days = {
        name: f"{at.astimezone(JAPAN):%Y-%m-%d}" if at else "—"
        for name, at in (("first", span.first), ("last", span.last))
    }
    out.print(phrase(f"cli.report_none_{by}", count=span.messages, **days), highlight=False)
