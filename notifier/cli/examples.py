"""``notifier events example`` and ``stream``: to try the ways in, with events of today."""

from typing import Annotated

import orjson
import typer

from notifier.app.lookups import near
from notifier.intake.characters import printable
from notifier.runtime.clock import clock_of
from notifier.runtime.parts import Parts
from notifier.runtime.settings import BadSettings

from .events import bytes_of
from .session import run, say, settings, wrong_use


def example(
    only: Annotated[
        str, typer.Option("--type", help="Of this type; the events of a first day if left out.")
    ] = "",
) -> None:
    """Print events about the members of docs/examples, one a line, with dates around today."""
    from notifier.demo.examples import example_events
    from notifier.rules.rules import TYPES

    if only and only not in TYPES:
        close = ", ".join(near(only, TYPES) or sorted(TYPES))
        raise wrong_use("no_such_type", text=printable(only), close=close)
    for event in example_events(clock_of(settings()).now(), only):
        typer.echo(orjson.dumps(event).decode())


def stream(
    file: Annotated[str, typer.Argument(help="JSON lines, one CloudEvent each; - for stdin.")],
) -> None:
    """Put events on the intake stream, one entry a line, as a billing system does.

    Nothing is looked at here: whoever reads the stream accepts each, or keeps it as rejected.
    """
    from notifier.runtime.event_stream import put

    async def work(parts: Parts) -> None:
        url = parts.urls.intake
        if url is None:
            raise BadSettings("NOTIFIER_INTAKE_REDIS_URL: names no stream (to try one: embedded)")
        lines = [line for line in bytes_of(file).split(b"\n") if line.strip()]
        await put(url, parts.settings.intake_stream, lines)
        say("on_stream", count=len(lines))

    run(work)
