"""``notifier messages settle-by-log``: what the relay knows of uncertain messages."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.model.message import public_number
from notifier.model.notice import Lane
from notifier.model.states import State
from notifier.rendering.labels import label
from notifier.returns.relay_log import resolve_by_log
from notifier.runtime.parts import Parts

from .session import person, run, say
from .tables import show


def settle_by_log(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", exists=True, dir_okay=False, help="Postfix's log; .gz too."
        ),
    ],
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="The files hold all that all relays logged: send again what they do not name.",
        ),
    ] = False,
) -> None:
    """Settle uncertain messages by the log of the relay: what it took was sent."""

    async def work(parts: Parts) -> None:
        resolved = await resolve_by_log(
            parts.engine,
            files,
            bounce_domain=parts.settings.bounce_domain,
            complete=complete,
            actor=person(),
            now=parts.clock.now(),
        )
        if resolved.queued:
            await parts.bell.notify_workers(set(Lane))
        after = [
            *((m, State.SENT) for m in resolved.sent),
            *((m, State.QUEUED) for m in resolved.queued),
            *((m, State.UNCERTAIN) for m in resolved.left),
        ]
        if not after:
            say("nothing_uncertain")
            return
        language = parts.settings.locale
        show(
            ("message", "state"),
            [(public_number(m), label(f"state.{state}", language)) for m, state in after],
        )

    run(work)
