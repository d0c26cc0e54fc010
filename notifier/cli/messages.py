"""``notifier messages``: find them, see what became of them, get the exact bytes back."""

from typing import Annotated

import typer

from notifier.app import messages
from notifier.app.messages import Attempt, Cause, LogEntry, Message, MessageFilter, MessageLine
from notifier.app.record_words import contradiction, japan_time, words_of
from notifier.model.message import public_number
from notifier.model.states import State
from notifier.rendering.labels import label

from .language import language, word
from .names import ByChannel, MessageId, OfMember, OfReason, To
from .output import emitted, out, phrase, put
from .returns import ENTRIES, entry_line
from .session import Limit, run, settings
from .tables import show
from .verbs import Verbs

app = Verbs()
_LIST = ("message", "to", "notice", "channel", "state", "created", "why", "tries")
_CAUSES = ("event", "source", "id", "occurred", "received")
_LOG = ("when", "state", "why", "who", "attempt")
_ATTEMPTS = (
    "no", "attempt", "relay", "tls", "outcome", "answer", "reply", "bytes", "finished",
)  # fmt: skip


@app.command("list")
def list_(
    state: State | None = None,
    notice: str | None = None,
    channel: ByChannel = None,
    member: OfMember = None,
    scheme: str | None = None,
    reason: OfReason = None,
    limit: Limit = 50,
) -> None:
    """Print the newest messages that match."""
    wanted = MessageFilter(
        state=state, notice=notice, channel=channel, member_no=member, scheme=scheme, reason=reason
    )
    found = run(
        lambda parts: messages.find_messages(
            parts.engine, parts.writer.notices, wanted, limit=limit
        )
    )
    show(_LIST, found, _line, limit=limit)


def _line(m: MessageLine) -> tuple[object, ...]:
    return (
        public_number(m.message_id),
        m.member_no or m.login or m.report,
        f"{m.notice}/{m.step}",
        word("channel", m.channel),
        word("state", m.state),
        m.created_at,
        word("reason", m.reason),
        m.attempts,
    )


@app.command("show")
def show_(message: MessageId) -> None:
    """Print a message: causes, amounts shown, timeline, attempts with the relay's own words."""
    found = run(
        lambda parts: messages.show_message(
            parts.engine, parts.acceptor, message, now=parts.clock.now()
        )
    )
    if emitted(found):
        return
    _head(found)
    if found.causes:
        show(_CAUSES, found.causes, _cause)
    for each in found.contradictions:
        out.print(f"  {contradiction(each, language())}", highlight=False)
    if found.origin is not None:
        first, actor = public_number(found.origin.resend_of), found.origin.requested_by
        told = phrase("cli.copy_of", first=first, actor=actor, reason=found.origin.reason)
        out.print(told, highlight=False)
    show(_LOG, found.log, _entry, seconds=True)
    if found.attempts:
        show(_ATTEMPTS, found.attempts, _attempt, seconds=True)
    if found.returns:
        show(ENTRIES, found.returns, entry_line)


def _head(m: Message) -> None:
    to = m.member_no or m.login or m.matter
    out.print(f"{public_number(m.message_id)} → {to}", style="bold", highlight=False)
    notice, channel = word("notice", m.notice), word("channel", m.channel)
    out.print(f"{notice} ({m.notice}/{m.step}), {channel}")
    out.print(f"{word('state', m.state)}: {word('reason', m.reason)}")
    if m.in_place_of:
        out.print(f"← {public_number(m.in_place_of)}", highlight=False)
    if m.shown:
        amounts = [(word("role", s["role"]), _amount(s["name"]), s["yen"]) for s in m.shown]
        show(("role", "amount", "yen"), amounts, tuple)
    if m.wait is not None:
        out.print(_why_not_yet(m.wait), highlight=False)


def _amount(name: str) -> str:
    """Return what an amount is called; notices may have facts of their own names."""
    known = word("line", name)
    return name if known == f"line.{name}" else known


def _why_not_yet(wait: messages.Wait) -> str:
    """Return what a message waits for, until when, and what a person can do about it."""
    until = japan_time(wait.what.until) if wait.what.until else ""
    numbers = ", ".join(map(str, wait.tasks))
    key, hours = f"waiting.{wait.what.obstacle}", settings().sending_hours
    return label(key, language(), until=until, tasks=numbers, hours=hours)


def _cause(c: Cause) -> tuple[object, ...]:
    return c.type, c.source, c.id, c.occurred_at, c.received_at


def _entry(e: LogEntry) -> tuple[object, ...]:
    words = words_of(e.kind, e.after, e.reason, language())
    return e.at, *words, e.actor, _id(e.attempt_id)


def _id(number: int | None) -> str:
    return "" if number is None else str(number)  # without commas: it is typed in again


def _attempt(a: Attempt) -> tuple[object, ...]:
    return (
        a.number,
        _id(a.attempt_id),
        a.relay,
        a.tls,
        word("attempt", a.outcome or "begun"),
        " ".join(str(v) for v in (a.command, a.code, a.enhanced) if v),
        a.reply,
        a.size,
        a.finished_at,
    )


@app.command("bytes")
def bytes_(
    message: MessageId,
    attempt: Annotated[int | None, typer.Option(min=1, max=10**15)] = None,
    to: To = None,
) -> None:
    """Put out the exact bytes that went out: a mail as it was in DATA, or the PDF of a letter."""
    body = run(
        lambda parts: messages.bytes_of_message(parts.engine, parts.writer, message, attempt)
    )
    put(body, to)
