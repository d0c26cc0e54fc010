"""Messages by the day, as tables for the terminal: what goes out to whom, and what does not."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from rich.text import Text

from notifier.rendering.labels import label, step_label
from notifier.store.calendar_view import PlannedMessage, Skip

from . import layout

_NAMED: Final = 2  # members of a line; of more the number is told
_DAYS: Final = {"ja": "月火水木金土日"}
_STOPPED: Final = frozenset({"held", "cancelled", "expired", "suppressed", "failed"})
_SENT: Final = ("day", "what", "channel", "count", "member")
_SKIPPED: Final = ("day", "event", "count", "member", "why")
_Line = tuple[str, ...]


def tables(
    said: Sequence[PlannedMessage], skipped: Sequence[Skip], language: str, width: int | None
) -> Iterator[Text]:
    """Messages and skips, as :mod:`notifier.store.calendar_view` gives them, as lines by day.

    What was sent, what was held or stopped, and events without a message; none that is empty.
    ``width``: columns of the terminal; ``None`` where there is no edge.
    """
    sent = [r for r in said if r.state not in _STOPPED]
    stopped = [r for r in said if r.state in _STOPPED]
    for name, columns, lines in (
        ("sent", _SENT, _lines(sent, language)),
        ("stopped", (*_SENT, "why"), _lines(stopped, language, why=True)),
        ("skipped", _SKIPPED, _skips(skipped, language)),
    ):
        if found := list(lines):
            yield Text(label(f"cli.calendar_{name}", language), "bold")
            yield from layout.table(_columns(columns, found, language), width)
            yield Text("")


def _columns(names: Sequence[str], lines: list[_Line], language: str) -> list[layout.Column]:
    """The columns of lines; a day that several lines are about is told once."""
    days = [line[0] for line in lines]
    shown = ["" if n and days[n - 1] == day else day for n, day in enumerate(days)]
    cells = [tuple(shown), *zip(*(line[1:] for line in lines), strict=True)]
    return [
        layout.Column(label(f"column.{name}", language), tuple(some), right=name == "count")
        for name, some in zip(names, cells, strict=True)
    ]


def _day(day: date, language: str) -> str:
    names = _DAYS.get(language)
    return f"{day:%m/%d} {names[day.weekday()] if names else f'{day:%a}'}"


def _lines(found: Sequence[PlannedMessage], language: str, *, why: bool = False) -> Iterator[_Line]:
    def key(r: PlannedMessage) -> tuple[Any, ...]:
        end = (r.state, r.reason) if why else ()
        return (r.day, r.notice, r.step, r.channel, *end)

    for (day, notice, step, channel, *end), some in groupby(sorted(found, key=key), key):
        what = f"{label(f'notice.{notice}', language)} ({step_label(step, language)})"
        told: _Line = (what, label(f"channel.{channel}", language), *_people(some))
        if end:
            state, reason = label(f"state.{end[0]}", language), label(f"reason.{end[1]}", language)
            told += (f"{state}: {reason}",)
        yield _day(day, language), *told


def _skips(found: Sequence[Skip], language: str) -> Iterator[_Line]:
    def key(r: Skip) -> tuple[Any, ...]:
        return (r.day, r.type, r.reason)

    for (day, kind, reason), some in groupby(sorted(found, key=key), key):
        yield _day(day, language), kind, *_people(some), label(f"reason.{reason}", language)


def _people(found: Iterator[PlannedMessage | Skip]) -> tuple[str, str]:
    numbers = [r.member_no for r in found]
    more = " …" if len(numbers) > _NAMED else ""
    return f"{len(numbers):,}", ", ".join(numbers[:_NAMED]) + more
