"""``notifier returns``: what came back, and what a person makes of it."""

from typing import Annotated

import typer

from notifier.app import returns
from notifier.app.returns import KnownReturn, ReturnCount, TrackingEntry
from notifier.model.characters import printable
from notifier.model.lines import lines_of
from notifier.model.message import public_number
from notifier.model.returns import Outcome, ReturnReason, Standing
from notifier.model.tracking import BounceReason, Finding, ReturnKind
from notifier.returns.judgement import Judgement
from notifier.returns.sweep import direct_labels

from .language import word, wrong_use
from .names import All, OfMessage, To
from .output import emitted, out, put
from .session import Id, Limit, acting, run
from .tables import facts, show
from .verbs import Verbs

app = Verbs()
_COLUMNS = (
    "return", "received", "taken_from", "kind", "standing", "why", "message", "times", "bytes",
)  # fmt: skip
ENTRIES = ("when", "kind", "reason", "lasting", "status", "return", "reply")
_FINDINGS = ("recipient", "kind", "reason", "lasting", "status", "reply")


@app.command("list")
def list_(
    standing: Standing = Standing.PERSON,
    *,
    reason: ReturnReason | None = None,
    all_: All = False,
    limit: Limit = 50,
) -> None:
    """Print the newest returns that wait for a person, or that stand otherwise."""
    wanted = None if all_ else standing
    found = run(
        lambda parts: returns.find_returns(
            parts.engine, standing=wanted, reason=reason, limit=limit
        )
    )
    show(_COLUMNS, found, _line)


def _line(r: KnownReturn) -> tuple[object, ...]:
    return (
        str(r.return_id),
        r.received_at,
        r.source,
        word("return", r.kind),
        word("standing", r.standing),
        word("return_reason", r.reason),
        public_number(r.message_id) if r.message_id else "",
        r.times,
        r.size,
    )


@app.command("counts")
def counts() -> None:
    """Print how many returns stand where, and why."""
    found = run(lambda parts: returns.count_returns(parts.engine))
    show(("standing", "why", "kind", "returns", "times"), found, _count)


def _count(r: ReturnCount) -> tuple[object, ...]:
    why = word("return_reason", r.reason)
    return word("standing", r.standing), why, word("return", r.kind), r.count, r.times


@app.command("show")
def show_(number: Id) -> None:
    """Print a return: what was read in it, what is on record about its message, and its words."""
    found = run(lambda parts: returns.show_return(parts.engine, number))
    if emitted(found):
        return
    facts(_COLUMNS, found.known, _line)
    names = ("sender", "subject", "reported_by")
    facts(names, found.reading, lambda r: (r.sender, r.subject, r.reported_by))
    if found.reading.findings:
        show(_FINDINGS, found.reading.findings, _finding)
    if found.entries:
        show(ENTRIES, found.entries, entry_line, public_number(found.known.message_id or 0))
    for words in lines_of(found.text):
        out.print(printable(words), highlight=False)


def _finding(f: Finding) -> tuple[object, ...]:
    kind, why = word("return", f.kind), word("bounce", f.reason)
    return f.recipient, kind, why, _lasting(f.hard), f.status or f.code, f.reply


def _lasting(hard: bool | None) -> str:
    return "" if hard is None else word("cli", "hard" if hard else "soft")


def entry_line(e: TrackingEntry) -> tuple[object, ...]:
    """Return an entry of a message's tracking as a line under ``ENTRIES``."""
    why = word("bounce", e.reason) or word("evidence", e.level)
    told = (e.status or e.code, str(e.return_id), e.reply)
    return (e.at, word("return", e.kind), why, _lasting(e.hard), *told)


@app.command("bytes")
def bytes_(number: Id, to: To = None) -> None:
    """Put out a return exactly as it came in."""
    put(run(lambda parts: returns.bytes_of_return(parts.engine, number)), to)


@app.command("settle")
def settle(
    number: Id,
    *,
    message: OfMessage = None,
    kind: ReturnKind | None = None,
    reason: BounceReason | None = None,
    ignore: Annotated[bool, typer.Option("--ignore")] = False,
) -> None:
    """Say what a return is about that could not be told, and let it take effect."""
    if ignore and (message or kind or reason):
        wrong_use("ignore_alone")
    said = None if ignore else Judgement(message_id=message, kind=kind, reason=reason)
    done = run(
        lambda parts: returns.judge(
            parts.engine,
            number,
            said,
            direct=direct_labels(parts.settings.relays),
            **acting(parts),
        )
    )
    if not emitted(done):
        out.print(followed_by(done), highlight=False)


def followed_by(outcome: Outcome) -> str:
    """Return what became of a return, in a few words."""
    words = [word("standing", outcome.standing)]
    if outcome.reason:
        words.append(f"({word('return_reason', outcome.reason)})")
    if outcome.message_id:
        words.append(public_number(outcome.message_id))
    return " ".join([*words, f"[{outcome.return_id}]"])
