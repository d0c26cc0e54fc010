"""Messages by the day, as tables for the terminal: what goes out to whom, and what does not."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from rich.table import Table
from sqlalchemy import RowMapping

from notifier.write.labels import label, step_label

_NAMED: Final = 2  # members of a line; of more the number is told
_DAYS: Final = {"ja": "月火水木金土日"}
_STOPPED: Final = frozenset({"held", "cancelled", "expired", "suppressed", "failed"})
_Line = tuple[str, ...]


def tables(
    said: Sequence[RowMapping], skipped: Sequence[RowMapping], language: str
) -> Iterator[Table]:
    """Messages and skips, as :mod:`notifier.store.outlook` gives them, by their days.

    What was sent, what was held or stopped, and events without a message; none that is empty.
    """
    sent = [r for r in said if r["state"] not in _STOPPED]
    stopped = [r for r in said if r["state"] in _STOPPED]
    for name, lines in (
        ("sent", _lines(sent, language)),
        ("stopped", _lines(stopped, language, why=True)),
        ("skipped", _skips(skipped, language)),
    ):
        if found := list(lines):
            yield _table(label(f"cli.calendar_{name}", language), found)


def _table(title: str, lines: Sequence[_Line]) -> Table:
    made = Table(title=title, box=None, show_header=False, title_justify="left", title_style="bold")
    for name in ("day", "what", "channel", "count", "who"):
        made.add_column(name, overflow="fold")  # never cut: a number may be copied from it
    for place in (0, 2, 3):
        made.columns[place].no_wrap = True
    made.columns[3].justify = "right"
    for n, (day, *line) in enumerate(lines):
        again = n > 0 and lines[n - 1][0] == day
        made.add_row("" if again else day, *line)
    return made


def _day(day: date, language: str) -> str:
    names = _DAYS.get(language)
    return f"{day:%m/%d} {names[day.weekday()] if names else f'{day:%a}'}"


def _lines(found: Sequence[RowMapping], language: str, *, why: bool = False) -> Iterator[_Line]:
    def key(r: RowMapping) -> tuple[Any, ...]:
        end = (r["state"], r["reason"]) if why else ()
        return (r["day"], r["notice"], r["step"], r["channel"], *end)

    for (day, notice, step, channel, *end), some in groupby(sorted(found, key=key), key):
        what = f"{label(f'notice.{notice}', language)} ({step_label(step, language)})"
        if end:
            what += f"\n{label(f'state.{end[0]}', language)}: {label(f'reason.{end[1]}', language)}"
        yield _day(day, language), what, label(f"channel.{channel}", language), *_people(some)


def _skips(found: Sequence[RowMapping], language: str) -> Iterator[_Line]:
    def key(r: RowMapping) -> tuple[Any, ...]:
        return (r["day"], r["type"], r["reason"])

    for (day, kind, reason), some in groupby(sorted(found, key=key), key):
        yield _day(day, language), kind, label(f"reason.{reason}", language), *_people(some)


def _people(found: Iterator[RowMapping]) -> tuple[str, str]:
    numbers = [r["member_no"] for r in found]
    more = " …" if len(numbers) > _NAMED else ""
    return f"{len(numbers):,}", ", ".join(numbers[:_NAMED]) + more
