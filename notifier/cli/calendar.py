"""A calendar of messages on the terminal: day by day, what goes out to whom."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import RowMapping

from notifier.write.labels import label

from .session import out
from .tables import show

_NAMED = 3  # members of a line; of more the number is told
_DAYS = "月火水木金土日"
_STOPPED = frozenset({"held", "cancelled", "expired", "suppressed", "failed"})


def calendar(said: Sequence[RowMapping], skipped: Sequence[RowMapping], language: str) -> None:
    """Print messages and skips, as :mod:`notifier.store.outlook` gives them, by their days."""
    sent = [r for r in said if r["state"] not in _STOPPED]
    stopped = [r for r in said if r["state"] in _STOPPED]
    titles = [label(f"cli.calendar_{name}", language) for name in ("sent", "stopped", "skipped")]
    show(("day", "notice", "channel", "to", "number"), _lines(sent, language), titles[0])
    if stopped:
        words = ("day", "notice", "channel", "to", "number")
        show(words, _lines(stopped, language, why=True), titles[1])
    if skipped:
        show(("day", "event", "why", "to", "number"), _skips(skipped, language), titles[2])
    if not said and not skipped:
        out.print(label("cli.calendar_empty", language))


def day_name(day: date) -> str:
    """A day as a calendar has it, such as ``08/14 木``."""
    return f"{day:%m/%d} {_DAYS[day.weekday()]}"


def _lines(
    found: Sequence[RowMapping], language: str, *, why: bool = False
) -> Iterator[tuple[object, ...]]:
    def key(r: RowMapping) -> tuple[Any, ...]:
        end = (r["state"], r["reason"]) if why else ()
        return (r["day"], r["notice"], r["step"], r["channel"], *end)

    for (day, notice, step, channel, *end), some in groupby(sorted(found, key=key), key):
        people = [r["member_no"] for r in some]
        what = f"{label(f'notice.{notice}', language)} ({step})"
        if end:
            what += f" {label(f'state.{end[0]}', language)}: {label(f'reason.{end[1]}', language)}"
        way = label(f"channel.{channel}", language)
        yield day_name(day), what, way, _people(people), len(people)


def _skips(found: Sequence[RowMapping], language: str) -> Iterator[tuple[object, ...]]:
    def key(r: RowMapping) -> tuple[Any, ...]:
        return (r["day"], r["type"], r["reason"])

    for (day, kind, reason), some in groupby(sorted(found, key=key), key):
        people = [r["member_no"] for r in some]
        why = label(f"reason.{reason}", language)
        yield day_name(day), kind, why, _people(people), len(people)


def _people(numbers: Sequence[str]) -> str:
    told = ", ".join(numbers[:_NAMED])
    return told if len(numbers) <= _NAMED else f"{told} …"
