"""``notifier letters``: mailings by post, and letters that the post brought back."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from notifier.app import mailings, reports
from notifier.app.mailing import Mailed
from notifier.app.returns import bring_back
from notifier.intake.cohort_file import read_cohort
from notifier.intake.mailing_file import read_mailing
from notifier.intake.report_file import read_report
from notifier.intake.returned_file import read_returned, read_scanned
from notifier.model.lines import lines_of
from notifier.model.message import public_number
from notifier.model.returned import ReturnedReason
from notifier.model.states import Channel
from notifier.printing.returned import Returned
from notifier.runtime.parts import Parts

from .names import File
from .output import emitted, out, phrase, say
from .session import acting, run
from .verbs import Verbs

app = Verbs()
_MOST_SCANNED = 1_000_000  # characters of standard input


@app.command("apology")
def apology(
    cohort: Annotated[Path, typer.Option(exists=True, dir_okay=False)],
    facts: Annotated[Path, typer.Option(exists=True, dir_okay=False)],
    again: Annotated[bool, typer.Option("--again")] = False,
    with_left: Annotated[bool, typer.Option("--with-left")] = False,
) -> None:
    """An apology by letter to every member of a cohort file, once for each name of a mailing.

    ``facts`` says what is told (docs/mailings.md); amounts are held against the record.
    """

    async def work(parts: Parts) -> Mailed:
        mailing = read_mailing(facts.read_bytes(), notice="apology", channel=Channel.LETTER)
        return await mailings.create(
            parts.engine,
            parts.acceptor,
            parts.writer,
            mailing,
            read_cohort(cohort.read_bytes()),
            again=again,
            with_left=with_left,
            **acting(parts),
        )

    made = run(work)
    counts = {"made": made.made, "held": made.held, "known": made.known}
    if not emitted(counts):
        out.print(" / ".join(phrase(f"mailing.{name}", count=n) for name, n in counts.items()))


@app.command("report")
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", exists=True, dir_okay=False)],
) -> None:
    """An incident report by letter to an organisation that is no member, once for each name."""

    async def work(parts: Parts) -> reports.Reported:
        letter = read_report(file.read_bytes())
        return await reports.create(
            parts.engine, parts.acceptor, parts.writer, letter, **acting(parts)
        )

    made = run(work)
    if not emitted(made):
        key = "report.made" if made.made else "report.made_before"
        out.print(phrase(key, number=public_number(made.message_id)), highlight=False)


@app.command("returned")
def returned(file: File) -> None:
    """Note the letters of a file as returned, each for its reason; with one bad row, none."""
    run(lambda parts: _note(parts, read_returned(file.read_bytes())))


@app.command("scan")
def scan(
    reason: ReturnedReason, numbers: Annotated[list[str] | None, typer.Argument()] = None
) -> None:
    """Note letters as returned, all for one reason, by the numbers on them."""
    codes = numbers or lines_of(sys.stdin.read(_MOST_SCANNED))
    run(lambda parts: _note(parts, read_scanned(codes, reason)))


async def _note(parts: Parts, lines: Sequence[Returned]) -> None:
    done = await bring_back(parts.engine, lines, **acting(parts))
    say("letters_returned", returned=done.returned, known=done.known)
