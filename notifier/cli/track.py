"""``notifier track``: what mails that came back say, from files."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from notifier.intake.characters import printable
from notifier.model.tracking import Finding, Reading
from notifier.track.reading import read
from notifier.track.sources import mails

from .session import fail, out

_HELP = "Mails (.eml), mboxes, Maildirs or folders of them."


def track(
    files: Annotated[list[Path], typer.Argument(help=_HELP, exists=True)],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what they say, and no more.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Read bounces, complaints and answers; what they prove is put on record."""
    if not dry_run:
        fail(NotImplementedError("only --dry-run so far"))
    show = print_json if json else print_line
    try:
        for name, data in mails(files):
            show(name, read(data))
    except OSError as problem:
        fail(problem)


def print_json(name: str, reading: Reading) -> None:
    """One object on a line of its own."""
    sys.stdout.buffer.write(orjson.dumps(as_json(name, reading), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def print_line(name: str, reading: Reading) -> None:
    """One line for a person."""
    first = _first(reading)
    who = ", ".join(_recipients(reading)) or "?"
    why = f" {first.reason}" if first and first.reason else ""
    said = f": {first.reply[:120]}" if first and first.reply else ""
    out.print(printable(f"{name}: {reading.kind}{why} {who}{said}"), highlight=False)


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
