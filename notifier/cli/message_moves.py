"""``notifier messages``: what a person decides about them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import typer

from notifier.app import message_moves as moves
from notifier.app.release import Released
from notifier.app.resend import Request, Resent
from notifier.app.resend import resend as resend_message
from notifier.model.errors import NotAllowed
from notifier.model.message import public_number
from notifier.model.notice import Lane
from notifier.model.states import Channel, State
from notifier.model.verdict import Category
from notifier.returns.relay_log import resolve_by_log
from notifier.runtime.parts import Parts

from .language import word, wrong_use
from .messages import app
from .names import ByChannel, Files, MessageId, MessageIds, Note, OfReason
from .output import emitted, emitted_all, out, say
from .session import acting, run
from .tables import show

__all__ = ["app"]


@app.command("release")
def release(
    messages: MessageIds = None, reason: OfReason = None, category: Category | None = None
) -> None:
    """Take held messages through the rules again; what still contradicts the record stays held."""

    async def work(parts: Parts) -> list[Released]:
        if not messages and reason is None:
            raise NotAllowed("name messages, or a --reason", code="name_messages")
        released = await moves.release_messages(
            parts.engine,
            parts.acceptor,
            messages or None,
            reason=reason,
            category=category,
            **acting(parts),
        )
        if released:
            await parts.bell.notify_workers(set(Lane))
        return released

    released = run(work)
    if released:
        show(("message", "state", "why"), released, _released)
    else:
        say("nothing_held")


def _released(r: Released) -> tuple[object, ...]:
    return public_number(r.message_id), word("state", r.state), word("reason", r.reason)


@app.command("cancel")
def cancel(message: MessageId) -> None:
    """Stop a message that has not left."""
    _move(message, State.CANCELLED, moves.cancel_message)


@app.command("retry")
def retry(message: MessageId) -> None:
    """Queue a failed message again."""
    _move(message, State.QUEUED, moves.retry_message)


@app.command("settle")
def settle(
    message: MessageId, as_: Annotated[str, typer.Argument(metavar="sent|failed|queued")]
) -> None:
    """Say what became of an uncertain message; ``queued`` sends it again, same Message-ID."""
    if as_ not in moves.SETTLED_AS:
        wrong_use("settled_as")
    known = State(as_)
    _move(message, known, partial(moves.settle_message, known=known))


def _move(message: int, after: State, move: Callable[..., Awaitable[None]]) -> None:
    async def work(parts: Parts) -> None:
        await move(parts.engine, message, **acting(parts))
        await parts.bell.notify_workers(set(Lane))

    run(work)
    if not emitted({"message": public_number(message), "state": after}):
        out.print(f"{public_number(message)}: {word('state', after)}")


@app.command("not-bounced")
def not_bounced(message: MessageId, note: Note) -> None:
    """Say that a bounce was misread: sent again, and its address suppressed by it no more."""
    run(lambda parts: moves.not_bounced(parts.engine, message, note, **acting(parts)))


@app.command("settle-by-log")
def settle_by_log(
    files: Files, complete: Annotated[bool, typer.Option("--complete")] = False
) -> None:
    """Settle uncertain messages by the log of the relay: what it took was sent."""

    async def work(parts: Parts) -> list[tuple[int, State]]:
        domain = parts.settings.bounce_domain
        done = await resolve_by_log(
            parts.engine, files, bounce_domain=domain, complete=complete, **acting(parts)
        )
        if done.queued:
            await parts.bell.notify_workers(set(Lane))
        after = {State.SENT: done.sent, State.QUEUED: done.queued, State.UNCERTAIN: done.left}
        return [(message_id, state) for state, ids in after.items() for message_id in ids]

    after = run(work)
    if not after:
        say("nothing_uncertain")
    elif not emitted_all({"message": public_number(m), "state": s} for m, s in after):
        show(("message", "state"), after, lambda m: (public_number(m[0]), word("state", m[1])))


@app.command("resend")
def resend(
    message: MessageId,
    reason: Annotated[str, typer.Option()],
    channel: ByChannel = None,
    again: Annotated[bool, typer.Option("--again")] = False,
    anyway: Annotated[bool, typer.Option("--anyway")] = False,
) -> None:
    """Send a message again as a copy with a number of its own; each request makes one copy."""
    request = Request(
        message_id=message, reason=reason.strip(), channel=channel, again=again, anyway=anyway
    )

    async def work(parts: Parts) -> Resent:
        made = await resend_message(parts.engine, parts.acceptor, request, **acting(parts))
        if made.made and made.channel is Channel.EMAIL:
            await parts.bell.notify_workers({made.lane})
        return made

    made = run(work)
    copy, first = public_number(made.message_id), public_number(message)
    say("resent" if made.made else "resent_before", copy=copy, first=first, channel=made.channel)
