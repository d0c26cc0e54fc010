"""``notifier track`` and ``relay-log``: what came back, from files; what it says, what follows."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from notifier.model.characters import printable
from notifier.model.message import public_number
from notifier.model.returns import Outcome, Standing
from notifier.model.tracking import Reading
from notifier.returns.reading import read
from notifier.returns.sources import Source, in_batches, is_mail, mails
from notifier.runtime.parts import Parts

from .faults import cross, fail
from .language import as_json, word
from .names import Files
from .output import emit, err, out, phrase, plain
from .returns import followed_by
from .session import acting, person, run

_SOURCE = "file"
_NAMED = 5  # files that are no mails
_TOP = ("reason", "hard", "status", "reply")


def track(
    files: Annotated[list[Path], typer.Argument(exists=True, metavar="FILE…")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
) -> None:
    """Put bounces, complaints and answers on record, and let them take effect.

    The same mail once more is counted and changes nothing.
    """
    others: list[str] = []
    if not dry_run:
        counted = run(lambda parts: _take(parts, files, others))
        (err if as_json() else out).print(summed(counted), highlight=False)
    else:
        try:
            for name, data in _only_mails(files, others):
                _show(name, read(data))
        except OSError as problem:
            fail(problem)
    if others:
        named = ", ".join(others[:_NAMED]) + (" …" if len(others) > _NAMED else "")
        cross(phrase("cli.no_mails", names=named))
        raise typer.Exit(1)


def _only_mails(files: Iterable[Path], others: list[str]) -> Iterator[Source]:
    """Yield the mails; what begins otherwise is named in ``others``, and is not read."""
    for name, data in mails(files):
        if is_mail(data):
            yield name, data
        else:
            others.append(name)


async def _take(parts: Parts, files: Iterable[Path], others: list[str]) -> Counter[Standing]:
    from notifier.app.returns import take_mails  # SMTP and IMAP, which only few verbs need
    from notifier.returns.receiver import Mail
    from notifier.runtime.receiving import post_desk

    desk = post_desk(parts, person())
    counted: Counter[Standing] = Counter()
    batches = in_batches(_only_mails(files, others))
    while some := await asyncio.to_thread(_next, batches):
        done = await take_mails(desk, [Mail(data, _SOURCE) for _, data in some])
        for (name, _), (given, outcome) in zip(some, done, strict=True):
            _show(name, given.reading, outcome)
        counted.update(outcome.standing for _, outcome in done)
    return counted


def _next(batches: Iterator[list[Source]]) -> list[Source]:
    return next(islice(batches, 1), [])


def summed(counted: Counter[Standing]) -> str:
    """Return how many came, and where they stand, in one line."""
    stands = [f"{word('standing', s)} {counted[s]:,}" for s in Standing if counted[s]]
    return f"{phrase('cli.returns', count=counted.total())}: {', '.join(stands)}"


def _show(name: str, reading: Reading, outcome: Outcome | None = None) -> None:
    if as_json():
        emit(read_as_json(name, reading) | (_outcome(outcome) if outcome else {}))
        return
    followed = f" → {followed_by(outcome)}" if outcome else ""
    out.print(printable(_line(name, reading) + followed), highlight=False)


def _line(name: str, reading: Reading) -> str:
    first = reading.findings[0] if reading.findings else None
    who = ", ".join(_recipients(reading)) or "?"
    why = f" ({word('bounce', first.reason)})" if first and first.reason else ""
    said = f": {first.reply[:120]}" if first and first.reply else ""
    return f"{name}: {word('return', reading.kind)}{why} {who}{said}"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "return": outcome.return_id,
        "standing": outcome.standing,
        "because": outcome.reason,
        "message": public_number(outcome.message_id) if outcome.message_id else None,
    }


def read_as_json(name: str, reading: Reading) -> dict[str, Any]:
    """Return a reading as plain values. What stands at the top is that of the gravest finding."""
    findings = [plain(one) for one in reading.findings]
    first = findings[0] if findings else dict.fromkeys(_TOP) | {"reply": ""}
    return {
        "file": name,
        "recipients": _recipients(reading),
        "kind": reading.kind,
        **{key: first[key] for key in _TOP},
        "findings": findings,
        "tokens": reading.tokens,
        "message_ids": reading.message_ids,
        "cut": reading.cut,
    }


def _recipients(reading: Reading) -> Sequence[str]:
    return [one.recipient for one in reading.findings if one.recipient]


def relay_log(files: Files) -> None:
    """Take what relays logged to its messages: taken by the next server, put off, bounced.

    The same lines once more change nothing.
    """
    from notifier.returns.relay_log import apply_log
    from notifier.returns.sweep import direct_labels

    counted = run(
        lambda parts: apply_log(
            parts.engine,
            files,
            bounce_domain=parts.settings.bounce_domain,
            direct=direct_labels(parts.settings.relays),
            **acting(parts),
        )
    )
    if as_json():
        emit(counted)
    else:
        out.print(summed(counted), highlight=False)
