"""``notifier up``, ``serve``, ``work``, ``receive`` and ``demo``: the long-running verbs.

What only they need (the HTTP server, arq) is imported when they run: the other verbs start sooner.
"""

import asyncio
from typing import Annotated

import typer

from notifier.model.notice import Lane
from notifier.runtime.parts import Parts
from notifier.runtime.settings import BadSettings

from .language import wrong_use
from .output import err
from .session import run

_LANES = {lane.name.lower(): lane for lane in Lane}
Lanes = Annotated[list[str] | None, typer.Argument(metavar="LANE…")]


def up() -> None:
    """Run all in one process: HTTP, the stream, lanes, returns. For a small association."""
    from notifier.runtime import receiving, serving
    from notifier.runtime.worker import work_on

    async def both(parts: Parts) -> None:
        stop = serving.stop_on_signals()
        # Each supervises what it runs: only a wrong setting ends one, and with it the process.
        err.print(f"http://{parts.settings.api_host}:{parts.settings.api_port}", highlight=False)
        async with asyncio.TaskGroup() as group:
            group.create_task(serving.serve(parts, stop))
            group.create_task(work_on(parts, set(Lane), stop))
            if parts.settings.inbox.is_open:
                group.create_task(receiving.receive(parts, stop))

    run(both, serves=True)


def serve() -> None:
    """Serve HTTP for billing, and read the intake stream where the settings name one."""
    from notifier.runtime import serving

    async def serve_http(parts: Parts) -> None:
        await serving.serve(parts, serving.stop_on_signals())

    run(serve_http, serves=True)


def work(lanes: Lanes = None) -> None:
    """Deliver lanes; several processes, on several machines, share the work."""
    unknown = [name for name in lanes or () if name not in _LANES]
    if unknown:
        wrong_use("no_such_lane", names=", ".join(unknown), known=", ".join(_LANES))
    from notifier.runtime import serving
    from notifier.runtime.worker import work_on

    wanted = {_LANES[name] for name in lanes} if lanes else set(Lane)

    async def working(parts: Parts) -> None:
        await work_on(parts, wanted, serving.stop_on_signals())

    run(working, serves=True)


def receive() -> None:
    """Listen for what comes back, read mailboxes, follow relays' logs, as the settings say."""
    from notifier.runtime import receiving, serving

    async def receiving_all(parts: Parts) -> None:
        if not parts.settings.inbox.is_open:
            raise BadSettings("NOTIFIER_INBOX: names no port, no mailbox and no log")
        await receiving.receive(parts, serving.stop_on_signals())

    run(receiving_all, serves=True)


def demo() -> None:
    """Replay the incident on engines of its own, through real SMTP on loopback."""
    from notifier.demo.play import play  # the demo brings its members and its relay along

    raise typer.Exit(play())
