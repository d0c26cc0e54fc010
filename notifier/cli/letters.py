"""``notifier letters``: mailings by post."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.app import mailings, reports
from notifier.intake.cohort_file import read_cohort
from notifier.intake.mailing_file import read_mailing
from notifier.intake.report_file import read_report
from notifier.model.message import public_number
from notifier.model.states import Channel
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

from .session import out, person, run

app = typer.Typer(help="手紙: letters to a cohort.", no_args_is_help=True)
Cohort = Annotated[Path, typer.Option(help="CSV with member numbers.", exists=True, dir_okay=False)]
Facts = Annotated[
    Path, typer.Option(help="TOML: name, scheme, step and [facts].", exists=True, dir_okay=False)
]


@app.command("apology")
def apology(
    cohort: Cohort,
    facts: Facts,
    again: Annotated[
        bool,
        typer.Option("--again", help="Also to members whom another message tells the same."),
    ] = False,
    with_left: Annotated[
        bool, typer.Option("--with-left", help="Also to members who have left.")
    ] = False,
) -> None:
    """An apology by letter to every member of a cohort file, once for each name of a mailing.

    ``facts`` says what is told (docs/mailings.md); amounts are held against the record.
    """

    async def work(parts: Parts) -> None:
        mailing = read_mailing(facts.read_bytes(), notice="apology", channel=Channel.LETTER)
        made = await mailings.create(
            parts.engine,
            parts.acceptor,
            parts.writer,
            mailing,
            read_cohort(cohort.read_bytes()),
            actor=person(),
            now=parts.clock.now(),
            again=again,
            with_left=with_left,
        )
        counts = {"made": made.made, "held": made.held, "known": made.known}
        language = parts.settings.locale
        said = [label(f"mailing.{name}", language, count=f"{n:,}") for name, n in counts.items()]
        out.print(" / ".join(said))

    run(work)


@app.command("report")
def report(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.toml",
            help="TOML: name, scheme, [to] and [facts].",
            exists=True,
            dir_okay=False,
        ),
    ],
) -> None:
    """An incident report by letter to an organisation that is no member, once for each name."""

    async def work(parts: Parts) -> None:
        letter = read_report(file.read_bytes())
        actor, now = person(), parts.clock.now()
        made = await reports.create(
            parts.engine, parts.acceptor, parts.writer, letter, actor=actor, now=now
        )
        key = "report.made" if made.made else "report.made_before"
        number = public_number(made.message_id)
        out.print(label(key, parts.settings.locale, number=number), highlight=False)

    run(work)
