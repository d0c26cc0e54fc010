"""``notifier track``: mails that came back, from files; what they say, and what follows."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from notifier.intake.characters import printable
from notifier.model.message import public_number
from notifier.model.returns import Outcome, Standing
from notifier.model.tracking import Finding, Reading
from notifier.rendering.labels import label
from notifier.returns.reading import read
from notifier.returns.sources import Source, in_batches, is_mail, mails
from notifier.runtime.parts import Parts

from .faults import language_of_settings
from .session import cross, err, fail, out, person, run

_HELP = "Mails (.eml), mboxes, Maildirs or folders of them."
_SOURCE = "file"
_NAMED = 5  # files that are no mails


def track(
    files: Annotated[list[Path], typer.Argument(help=_HELP, exists=True)],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what they say; nothing changes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Put bounces, complaints and answers on record, and let them take effect.

    The same mail once more is counted and changes nothing.
    """
    if not dry_run:
        return run(lambda parts: _take(parts, files, json=json))
    others: list[str] = []
    try:
        for name, data in _only_mails(files, others):
            _show(name, read(data), json=json, language=language_of_settings())
    except OSError as problem:
        fail(problem)
    _tell_others(others, language_of_settings())
    return None


def _only_mails(files: Iterable[Path], others: list[str]) -> Iterator[Source]:
    """Yield the mails; what begins otherwise is named in ``others``, and is not read."""
    for name, data in mails(files):
        if is_mail(data):
            yield name, data
        else:
            others.append(name)


def _tell_others(others: Sequence[str], language: str) -> None:
    if others:
        named = ", ".join(others[:_NAMED]) + (" …" if len(others) > _NAMED else "")
        cross(label("cli.no_mails", language, names=named))
        raise typer.Exit(1)


async def _take(parts: Parts, files: Iterable[Path], *, json: bool) -> None:
    from notifier.returns.receiver import Mail
    from notifier.runtime.receiving import post_desk  # SMTP and IMAP, which only few verbs need

    desk, language = post_desk(parts, person()), parts.settings.locale
    counted: Counter[Standing] = Counter()
    others: list[str] = []
    batches = in_batches(_only_mails(files, others))
    while some := await asyncio.to_thread(_next, batches):
        given = await desk.read([Mail(data, _SOURCE) for _, data in some])
        async with desk.engine.begin() as conn:
            done = await desk.take(conn, given)
        for (name, _), one, outcome in zip(some, given, done, strict=True):
            _show(name, one.reading, outcome, json=json, language=language)
        counted.update(o.standing for o in done)
    summary = summed(counted, language)
    (err if json else out).print(summary, highlight=False)
    _tell_others(others, language)


def _next(batches: Iterable[list[Source]]) -> list[Source]:
    return next(iter(batches), [])


def summed(counted: Counter[Standing], language: str) -> str:
    """How many came, and where they stand, in one line."""
    stands = [
        f"{label(f'standing.{one}', language)} {counted[one]:,}" for one in Standing if counted[one]
    ]
    return f"{label('cli.returns', language, count=f'{counted.total():,}')}: {', '.join(stands)}"


def _show(
    name: str,
    reading: Reading,
    outcome: Outcome | None = None,
    *,
    json: bool,
    language: str,
) -> None:
    if json:
        plain = as_json(name, reading) | (_outcome(outcome) if outcome else {})
        sys.stdout.buffer.write(orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
    else:
        followed = f" → {followed_by(outcome, language)}" if outcome else ""
        out.print(printable(_line(name, reading, language) + followed), highlight=False)


def _line(name: str, reading: Reading, language: str) -> str:
    first = _first(reading)
    who = ", ".join(_recipients(reading)) or "?"
    kind = label(f"return.{reading.kind}", language)
    why = f" ({label(f'bounce.{first.reason}', language)})" if first and first.reason else ""
    said = f": {first.reply[:120]}" if first and first.reply else ""
    return f"{name}: {kind}{why} {who}{said}"


def followed_by(outcome: Outcome, language: str) -> str:
    """What became of a return, in a few words."""
    words = [label(f"standing.{outcome.standing}", language)]
    if outcome.reason:
        words.append(f"({label(f'return_reason.{outcome.reason}', language)})")
    if outcome.message_id:
        words.append(public_number(outcome.message_id))
    return " ".join([*words, f"[{outcome.return_id}]"])


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "return": outcome.return_id,
        "standing": outcome.standing,
        "because": outcome.reason,
        "message": public_number(outcome.message_id) if outcome.message_id else None,
    }


def as_json(name: str, reading: Reading) -> dict[str, Any]:
    """A reading as plain values. What stands at the top is that of the gravest finding."""
    first = _first(reading)
    return {
        "file": name,
        "recipients": _recipients(reading),
        "kind": reading.kind,
        "reason": first.reason if first else None,
        "hard": first.hard if first else None,
        "status": first.status if first else None,
        "reply": first.reply if first else "",
        "findings": [_finding(one) for one in reading.findings],
        "tokens": reading.tokens,
        "message_ids": reading.message_ids,
        "cut": reading.cut,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "recipient": one.recipient,
        "kind": one.kind,
        "reason": one.reason,
        "hard": one.hard,
        "status": one.status,
        "code": one.code,
        "reply": one.reply,
        "level": one.level,
        "final_recipient": one.final_recipient,
    }


def _first(reading: Reading) -> Finding | None:
    return reading.findings[0] if reading.findings else None


def _recipients(reading: Reading) -> list[str]:
    return [one.recipient for one in reading.findings if one.recipient]
