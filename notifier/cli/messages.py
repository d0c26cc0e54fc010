"""``notifier messages``: find them, see what became of them, get the exact bytes back."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.messages import MessageFilter, Wait, find_messages, what_it_waits_for
from notifier.app.record_words import contradiction, japan_time, words_of
from notifier.app.release import Released
from notifier.app.release import release as release_held
from notifier.archive.letters import document_again
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import message_number, public_number
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import UNSENT, Channel, State
from notifier.model.verdict import Category
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.runtime.settings import Settings
from notifier.store import attempts, events, log, suppressions, tracking
from notifier.store import messages as store
from notifier.store.db import loads
from notifier.store.messages import Move

from .names import CHANNELS, channel_of, reason_of
from .resend import show_origin
from .returns import ENTRIES, entry_line
from .session import Limit, out, person, put, run, say, wrong_use
from .tables import show

app = typer.Typer(
    help="Messages: what was sent to whom, and what became of it.", no_args_is_help=True
)
OfReason = Annotated[
    Reason | None, typer.Option(parser=reason_of, metavar="REASON", help="For this reason.")
]
Number = Annotated[str, typer.Argument(help="Number of the message: M000000123 or 123.")]


_LIST = ("message", "to", "notice", "channel", "state", "created", "why", "tries")


@app.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="In which state.")] = None,
    notice: Annotated[str | None, typer.Option(help="card_error, apology, …")] = None,
    channel: Annotated[
        Channel | None,
        typer.Option(parser=channel_of, metavar=CHANNELS, help="By which channel."),
    ] = None,
    member: Annotated[str | None, typer.Option(help="Member number.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Name of a scheme.")] = None,
    reason: OfReason = None,
    limit: Limit = 50,
) -> None:
    """The newest messages that match."""
    wanted = MessageFilter(
        state=state, notice=notice, channel=channel, member_no=member, scheme=scheme, reason=reason
    )

    async def work(parts: Parts) -> None:
        found = await find_messages(parts.engine, parts.writer.notices, wanted, limit=limit)
        lines = [_line(r, parts.settings.locale) for r in found]
        show(_LIST, lines, limit=limit)

    run(work)


def _line(r: store.ListedMessage, language: str) -> tuple[object, ...]:
    return (
        public_number(r.message_id),
        r.member_no or r.login or r.report,
        f"{r.notice}/{r.step}",
        label(f"channel.{r.channel}", language),
        label(f"state.{r.state}", language),
        r.created_at,
        label(f"reason.{r.reason}", language),
        r.attempts,
    )


@app.command("show")
def show_(message: Number) -> None:
    """One message: causes, amounts shown, timeline, attempts with the relay's own words."""

    async def work(parts: Parts) -> None:
        message_id, language = message_number(message), parts.settings.locale
        async with parts.engine.connect() as conn:
            found = await _found(conn, message_id)
            now = parts.clock.now()
            wait = await what_it_waits_for(conn, found, await parts.house(conn), now=now)
            _head(found, language)
            if wait is not None:
                out.print(_why_not_yet(wait, parts.settings, language), highlight=False)
            _causes(await events.causes_of(conn, message_id))
            _reasons(await events.decisions_of(conn, message_id), language)
            await show_origin(conn, message_id, language)
            _timeline(await log.of_message(conn, message_id), language)
            _attempts(await attempts.of_message(conn, message_id), language)
            _returns(await tracking.of_message(conn, message_id), language)

    run(work)


async def _found(conn: AsyncConnection, message_id: int) -> store.MessageRecord:
    found = await store.get(conn, message_id)
    if found is None:
        raise NotFound("message", public_number(message_id))
    return found


def _in_state(found: store.MessageRecord) -> NotAllowed:
    number, state = public_number(found.message_id), State(found.state)
    text = f"{number} is {state}"
    return NotAllowed(text, code="message_in_state", message=number, state=state)


def _head(found: store.MessageRecord, language: str) -> None:
    def word(kind: str, name: str) -> str:
        return label(f"{kind}.{getattr(found, name)}", language)

    to = found.member_no or found.login or found.matter
    out.print(f"{public_number(found.message_id)} → {to}", style="bold", highlight=False)
    kind = f"{found.notice}/{found.step}"
    out.print(f"{word('notice', 'notice')} ({kind}), {word('channel', 'channel')}")
    out.print(f"{word('state', 'state')}: {word('reason', 'reason')}")
    if found.in_place_of:
        out.print(f"← {public_number(found.in_place_of)}", highlight=False)
    shown = [
        (label(f"role.{s['role']}", language), _amount(s["name"], language), s["yen"])
        for s in loads(found.shown)
    ]
    if shown:
        show(("role", "amount", "yen"), shown)


def _amount(name: str, language: str) -> str:
    """What an amount is called; notices may have facts of their own names."""
    known = label(f"line.{name}", language)
    return name if known == f"line.{name}" else known


def _why_not_yet(wait: Wait, settings: Settings, language: str) -> str:
    """What a message waits for, until when, and what a person can do about it."""
    until = japan_time(wait.what.until) if wait.what.until else ""
    numbers = ", ".join(map(str, wait.tasks))
    key = f"waiting.{wait.what.obstacle}"
    return label(key, language, until=until, tasks=numbers, hours=settings.sending_hours)


def _causes(found: Iterable[events.Cause]) -> None:
    lines = [(r.type, r.source, r.id, r.occurred_at, r.received_at) for r in found]
    if lines:
        show(("event", "source", "id", "occurred", "received"), lines)


def _reasons(found: Iterable[events.Decision], language: str) -> None:
    for r in found:
        for c in loads(r.details).get("contradictions", ()):
            out.print(f"  {contradiction(c, language)}", highlight=False)


def _timeline(found: Iterable[log.LogEntry], language: str) -> None:
    lines = [
        (
            r.at,
            *words_of(r.kind, r.after, r.reason, language),
            r.actor,
            _id(r.attempt_id),
        )
        for r in found
    ]
    show(("when", "state", "why", "who", "attempt"), lines, seconds=True)


def _id(number: int | None) -> str:
    return "" if number is None else str(number)  # without commas: it is typed in again


def _attempts(found: Iterable[attempts.AttemptEntry], language: str) -> None:
    lines = [
        (
            r.number,
            _id(r.attempt_id),
            r.relay,
            r.tls,
            label(f"attempt.{r.outcome or 'begun'}", language),
            " ".join(str(v) for v in (r.command, r.code, r.enhanced) if v),
            r.reply,
            r.size,
            r.finished_at,
        )
        for r in found
    ]
    if lines:
        names = ("no", "attempt", "relay", "tls", "outcome", "answer", "reply", "bytes", "finished")
        show(names, lines, seconds=True)


def _returns(found: Iterable[tracking.TrackingEntry], language: str) -> None:
    lines = [entry_line(r, language) for r in found]
    if lines:
        show(ENTRIES, lines)


@app.command("bytes")
def bytes_(
    message: Number,
    attempt: Annotated[
        int | None, typer.Option(min=1, max=10**15, help="Attempt id; the last one if left out.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", help="File; else standard output.")
    ] = None,
) -> None:
    """The exact bytes that went out: a mail as it was in DATA, or the PDF of a letter."""

    async def work(parts: Parts) -> None:
        message_id = message_number(message)
        async with parts.engine.connect() as conn:
            await _found(conn, message_id)
            tried = {r.attempt_id: r for r in await attempts.of_message(conn, message_id)}
            wanted = attempt if attempt is not None else max(tried, default=0)
            body = None
            if wanted in tried:
                digest = tried[wanted].template_digest
                body = await document_again(conn, wanted, digest, parts.writer)
        if body is None:
            raise NotFound("document of message", public_number(message_id))
        put(body, to)

    run(work)


@app.command("release")
def release(
    messages: Annotated[list[str] | None, typer.Argument(help="Numbers of held messages.")] = None,
    reason: OfReason = None,
    category: Annotated[
        Category | None, typer.Option(help="Your reading of an unknown gateway code.")
    ] = None,
) -> None:
    """Take held messages through the rules again; what still contradicts the record stays held."""

    async def work(parts: Parts) -> None:
        if not messages and reason is None:
            raise NotAllowed("name messages, or a --reason", code="name_messages")
        ids = [message_number(m) for m in messages] if messages else None
        now = parts.clock.now()
        async with parts.engine.begin() as conn:
            held = await store.held(conn, reason=reason, ids=ids)
            if ids is not None and len(held) < len(set(ids)):
                known = {r.message_id for r in held}
                others = ", ".join(public_number(i) for i in ids if i not in known)
                raise NotAllowed(f"not held: {others}", code="not_held", messages=others)
            house = await parts.house(conn)
            released = await release_held(
                conn, held, house, actor=person(), now=now, category=category
            )
        if not released:
            say("nothing_held")
            return
        await parts.bell.notify_workers(set(Lane))
        _told(released, parts.settings.locale)

    run(work)


def _told(released: Iterable[Released], language: str) -> None:
    lines = [
        (
            public_number(r.message_id),
            label(f"state.{r.state}", language),
            label(f"reason.{r.reason}", language),
        )
        for r in released
    ]
    show(("message", "state", "why"), lines)


@app.command("cancel")
def cancel(message: Number) -> None:
    """Stop a message that has not left."""
    move = (State.CANCELLED, Reason.BY_PERSON, tuple(UNSENT))
    run(lambda parts: _move(parts, message, *move))


@app.command("settle")
def settle(
    message: Number,
    as_: Annotated[str, typer.Argument(metavar="sent|failed|queued", help="What is known of it.")],
) -> None:
    """Say what became of an uncertain message; ``queued`` sends it again, same Message-ID."""
    if as_ not in {State.SENT, State.FAILED, State.QUEUED}:
        raise wrong_use("settled_as")
    move = (State(as_), Reason.SETTLED_BY_PERSON, (State.UNCERTAIN,))
    run(lambda parts: _move(parts, message, *move))


@app.command("not-bounced")
def not_bounced(message: Number, note: Annotated[str, typer.Option(prompt=True)]) -> None:
    """Say that a bounce was misread: sent again, and its address suppressed by it no more."""

    async def work(parts: Parts) -> None:
        message_id, now = message_number(message), parts.clock.now()
        move = Move(
            message_id=message_id,
            after=State.SENT,
            reason=Reason.MISREAD,
            only_from=(State.BOUNCED,),
        )
        async with parts.engine.begin() as conn:
            found = await _found(conn, message_id)
            if not await store.move(conn, [move], actor=person(), now=now):
                raise _in_state(found)
            await suppressions.lift_of(conn, message_id, note=note, actor=person(), now=now)

    run(work)


@app.command("retry")
def retry(message: Number) -> None:
    """Queue a failed message again."""
    move = (State.QUEUED, Reason.RELEASED, (State.FAILED, State.SUPPRESSED))
    run(lambda parts: _move(parts, message, *move))


async def _move(
    parts: Parts, message: str, after: State, reason: Reason, only_from: tuple[State, ...]
) -> None:
    message_id, now = message_number(message), parts.clock.now()
    again = now if after is State.QUEUED else None
    move = Move(
        message_id=message_id, after=after, reason=reason, retry_at=again, only_from=only_from
    )
    async with parts.engine.begin() as conn:
        found = await _found(conn, message_id)
        if not await store.move(conn, [move], actor=person(), now=now):
            raise _in_state(found)
    await parts.bell.notify_workers(set(Lane))
    out.print(f"{public_number(message_id)}: {label('state.' + after, parts.settings.locale)}")
