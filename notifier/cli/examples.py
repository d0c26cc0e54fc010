"""``notifier events example``: events to try things on, with the dates of today."""

from typing import Annotated

import orjson
import typer

from notifier.app.lookups import near
from notifier.intake.characters import printable
from notifier.model.event import TYPES
from notifier.runtime.clock import clock_of

from .session import settings, wrong_use


def example(
    only: Annotated[
        str, typer.Option("--type", help="Of this type; the events of a first day if left out.")
    ] = "",
) -> None:
    """Print events about the members of docs/examples, one a line, with dates around today."""
    from notifier.demo.examples import example_events

    if only and only not in TYPES:
        close = ", ".join(near(only, TYPES)) or "…"
        raise wrong_use("no_such_type", text=printable(only), close=close)
    for event in example_events(clock_of(settings()).now(), only):
        typer.echo(orjson.dumps(event).decode())
