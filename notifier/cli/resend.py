"""``notifier messages resend``: a copy for a reader who did not get it, or needs it once more."""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.resend import Request
from notifier.app.resend import resend as resend_message
from notifier.model.message import message_number, public_number
from notifier.model.states import Channel
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import resends

from .names import CHANNELS, channel_of
from .session import out, person, run


def resend(
    message: Annotated[str, typer.Argument(help="Number of the message: M000000123 or 123.")],
    reason: Annotated[str, typer.Option(help="Why: on record with the copy.")],
    channel: Annotated[
        Channel | None,
        typer.Option(
            parser=channel_of, metavar=CHANNELS, help="By which way; else as the first time."
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Although its reader has it, as far as is known.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Although its matter has ended.")
    ] = False,
) -> None:
    """Send a message again as a copy with a number of its own; each request makes one copy."""

    async def work(parts: Parts) -> None:
        request = Request(
            message_id=message_number(message),
            reason=reason.strip(),
            channel=channel,
            again=again,
            anyway=anyway,
        )
        actor, now = person(), parts.clock.now()
        made = await resend_message(parts.engine, parts.acceptor, request, actor=actor, now=now)
        if made.made and made.channel is Channel.EMAIL:
            await parts.bell.notify_workers({made.lane})
        said = {
            "copy": public_number(made.message_id),
            "first": public_number(request.message_id),
            "channel": label(f"channel.{made.channel}", parts.settings.locale),
        }
        key = "cli.resent" if made.made else "cli.resent_before"
        out.print(label(key, parts.settings.locale, **said), highlight=False)

    run(work)


async def show_origin(conn: AsyncConnection, message_id: int, language: str) -> None:
    """Print of which message one is a copy, who asked for it and why."""
    found = await resends.of_message(conn, message_id)
    if found is None:
        return
    first, actor = public_number(found.resend_of), found.requested_by
    told = label("cli.copy_of", language, first=first, actor=actor, reason=found.reason)
    out.print(told, highlight=False)
