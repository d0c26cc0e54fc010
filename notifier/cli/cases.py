"""``notifier cases``: matters of a member, and the whole story of each."""

from typing import Annotated, Literal

import typer

from notifier.app.lookups import require_member
from notifier.app.timeline import timeline_of, upcoming
from notifier.model.decision import CaseKind
from notifier.model.errors import NotFound
from notifier.model.situation import CaseRecord
from notifier.rendering.labels import label, step_label
from notifier.runtime.parts import Parts
from notifier.store import cases, timeline

from .session import Id, Limit, out, run
from .tables import show

_States = Literal["open", "closed", "all"]
app = typer.Typer(
    help="Cases: a failed charge, a refund, a renewal, from its beginning to its end.",
    no_args_is_help=True,
)


_LIST = ("case", "kind", "member", "matter", "state", "why", "deadline", "next")


@app.command("list")
def list_(
    state: Annotated[_States, typer.Option(help="In which state.")] = "open",
    kind: Annotated[CaseKind | None, typer.Option(help="What it is about.")] = None,
    member: Annotated[str | None, typer.Option(help="Member number.")] = None,
    limit: Limit = 50,
) -> None:
    """Cases, those that speak next at the top."""

    async def work(parts: Parts) -> None:
        wanted = None if state == "all" else state
        async with parts.engine.connect() as conn:
            if member is not None:
                await require_member(conn, member)
            found = await timeline.search(conn, state=wanted, kind=kind, member=member, limit=limit)
        language = parts.settings.locale
        lines = [
            (
                str(r.case_id),
                label(f"case.{r.kind}", language),
                r.member_no,
                r.matter,
                label(f"standing.{r.state}", language),
                label(f"reason.{r.reason}", language),
                r.deadline,
                r.next_due_at,
            )
            for r in found
        ]
        show(_LIST, lines, limit=limit)

    run(work)


@app.command("show")
def show_(case: Id) -> None:
    """One case: events, decisions, messages, tasks and notes in order, and the days to come."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        async with parts.engine.connect() as conn:
            found = await cases.get(conn, case)
            if found is None:
                raise NotFound("case", case)
            record = found
            entries = await timeline_of(conn, case, language)
            days = await upcoming(conn, record, await parts.house(conn), parts.clock.now())
        _head(record, language)
        lines = [(e.at, label(f"entry.{e.kind}", language), e.text, e.actor) for e in entries]
        show(("when", "kind", "told", "who"), lines)
        if days:
            title = label("cli.upcoming", language)
            last = label("cli.case_ends", language)
            words = [(p.day, step_label(p.step, language) if p.step else "") for p in days]
            marks = ["" for _ in days[:-1]] + [last]
            show(
                ("day", "step", "then"), [(*w, m) for w, m in zip(words, marks, strict=True)], title
            )

    run(work)


def _head(case: CaseRecord, language: str) -> None:
    out.print(
        f"{label('case.' + case.kind, language)} {case.matter} ({case.scheme})",
        style="bold",
        highlight=False,
    )
    standing = label("standing.open" if case.is_open else "standing.closed", language)
    out.print(f"{standing}: {label('reason.' + case.reason, language)}", highlight=False)
    if case.deadline:
        again = f", {case.recharge_on}" if case.recharge_on else ""
        words = f"{label('detail.deadline', language)}: {case.deadline}{again}"
        out.print(f"{words} ({case.generation})", highlight=False)
