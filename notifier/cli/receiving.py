"""``notifier receive`` and ``relay-log``: the ways in of what comes back."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.runtime.parts import Parts
from notifier.runtime.settings import BadSettings

from .session import out, person, run
from .track import summed


def receive() -> None:
    """Listen for what comes back, read mailboxes, follow relays' logs, as the settings say."""
    from notifier.runtime import receiving, serving

    async def receiving_all(parts: Parts) -> None:
        if not parts.settings.inbox.is_open:
            raise BadSettings("NOTIFIER_INBOX: names no port, no mailbox and no log")
        await receiving.receive(parts, serving.stop_on_signals())

    run(receiving_all, serves=True)


def relay_log(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", exists=True, dir_okay=False, help="Postfix's log; .gz too."
        ),
    ],
) -> None:
    """Take what relays logged to its messages: taken by the next server, put off, bounced.

    The same lines once more change nothing.
    """
    from notifier.returns.relay_log import apply_log
    from notifier.returns.sweep import direct_labels

    async def work(parts: Parts) -> None:
        counted = await apply_log(
            parts.engine,
            files,
            bounce_domain=parts.settings.bounce_domain,
            actor=person(),
            now=parts.clock.now(),
            direct=direct_labels(parts.settings.relays),
        )
        out.print(summed(counted, parts.settings.locale), highlight=False)

    run(work)
