"""``notifier letters``: mailings by post."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from notifier.cases.mailing import Mailing, mail
from notifier.intake.cohort_file import read_cohort
from notifier.model.errors import BadInput, FieldError
from notifier.model.states import Channel
from notifier.runtime.parts import Parts

from .session import person, run, say

app = typer.Typer(help="手紙: letters to a cohort.", no_args_is_help=True)
Cohort = Annotated[Path, typer.Option(help="CSV with member numbers.", exists=True, dir_okay=False)]
Facts = Annotated[
    Path, typer.Option(help="TOML: name, scheme, step and [facts].", exists=True, dir_okay=False)
]


@app.command("apology")
def apology(cohort: Cohort, facts: Facts) -> None:
    """An apology by letter to every member of a cohort file, once for each name of a mailing.

    ``facts`` says what is told; for the step ``data_leak`` the five items that the law asks for.
    """

    async def work(parts: Parts) -> None:
        mailing = _mailing(facts.read_bytes())
        lines = [(c.member_no, c.line) for c in read_cohort(cohort.read_bytes())]
        async with parts.engine.begin() as conn:
            house = await parts.house(conn)
            now = parts.clock.now()
            mailed = await mail(conn, mailing, lines, house, actor=person(), now=now)
        say("letters_made", made=mailed.made, held=mailed.held, known=mailed.known)

    run(work)


def _mailing(data: bytes) -> Mailing:
    try:
        table: dict[str, Any] = tomllib.loads(data.decode())
    except ValueError as problem:
        raise BadInput([FieldError("facts", "not_toml", {"value": str(problem)})]) from None
    names = ("name", "scheme", "step", "facts")
    missing = [FieldError(n, "missing") for n in names if n not in table]
    if missing:
        raise BadInput(missing)
    facts = {k: str(v) if hasattr(v, "isoformat") else v for k, v in table["facts"].items()}
    return Mailing(
        name=table["name"],
        scheme=table["scheme"],
        notice="apology",
        step=table["step"],
        channel=Channel.LETTER,
        facts=facts,
    )
