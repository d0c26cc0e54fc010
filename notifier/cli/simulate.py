"""``notifier simulate``: what events would come to, day by day, with nothing sent or kept."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from notifier.app.simulations import Outlook, Terms, simulate_events
from notifier.model.errors import BadInput, FieldError
from notifier.runtime.almanac import tables
from notifier.runtime.parts import Parts
from notifier.runtime.scratch import scratch

from .events import read_events
from .language import language
from .output import emitted, out, phrase
from .session import run
from .tables import width

_DAYS = ["%Y-%m-%d"]
Extra = Annotated[Path | None, typer.Option()]


def simulate(
    file: str,
    first: Annotated[datetime, typer.Option("--from", formats=_DAYS, metavar="YYYY-MM-DD")],
    last: Annotated[datetime, typer.Option("--to", formats=_DAYS, metavar="YYYY-MM-DD")],
    scheme: Extra = None,
    people: Annotated[Path | None, typer.Option("--members")] = None,
) -> None:
    """Show what would be sent on which day, and what would not, with the reasons.

    The events are taken at their own times through the same rules as real ones, in a database of
    its own that is gone afterwards, with the schemes and the members on record.
    """
    if last < first:
        raise BadInput([FieldError("--to", "bad_order", {"after": first.date().isoformat()})])
    events = [event for _, event in read_events(file)]

    async def work(parts: Parts) -> Outlook:
        terms = Terms(
            first=first.date(),
            last=last.date(),
            scheme=scheme.read_bytes() if scheme else None,
            people=people.read_bytes() if people else None,
            notices=parts.writer.notices,
            hours=parts.settings.hours,
            press=parts.settings.press,
        )
        async with scratch(parts.settings) as empty:
            return await simulate_events(parts.engine, empty, events, terms)

    found = run(work)
    if emitted(found):
        return
    for line in tables(found.messages, found.skips, language(), width()):
        out.print(line, highlight=False)
    if not found.messages and not found.skips:
        out.print(phrase("cli.calendar_empty"))
