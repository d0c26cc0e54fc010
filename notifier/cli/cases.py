"""``notifier cases``: matters of a member, and the whole story of each."""

from typing import Literal

from notifier.app.cases import Case, find_cases, show_case
from notifier.model.decision import CaseKind
from notifier.model.situation import CaseRecord
from notifier.rendering.labels import step_label
from notifier.rules.plan import Planned

from .language import language, word
from .names import CaseId, OfMember
from .output import emitted, out
from .session import Limit, run
from .tables import show
from .verbs import Verbs

_States = Literal["open", "closed", "all"]
app = Verbs()
_LIST = ("case", "kind", "member", "matter", "state", "why", "deadline", "next")


@app.command("list")
def list_(
    state: _States = "open",
    kind: CaseKind | None = None,
    member: OfMember = None,
    limit: Limit = 50,
) -> None:
    """Print cases, those that speak next at the top."""
    wanted = None if state == "all" else state
    found = run(
        lambda parts: find_cases(parts.engine, state=wanted, kind=kind, member=member, limit=limit)
    )
    show(_LIST, found, _line, limit=limit)


def _line(case: Case) -> tuple[object, ...]:
    return (
        str(case.case_id),
        word("case", case.kind),
        case.member_no,
        case.matter,
        word("standing", case.state),
        word("reason", case.reason),
        case.deadline,
        case.next_due_at,
    )


@app.command("show")
def show_(case: CaseId) -> None:
    """Print a case: events, decisions, messages, tasks and notes in order, and the days to come."""
    found = run(
        lambda parts: show_case(
            parts.engine, parts.acceptor, case, language(), now=parts.clock.now()
        )
    )
    if emitted(found):
        return
    _head(found.case)
    entries = [(e.at, word("entry", e.kind), e.text, e.actor) for e in found.entries]
    show(("when", "kind", "told", "who"), entries, tuple)
    if found.upcoming:
        title, last = word("cli", "upcoming"), found.upcoming[-1]
        show(("day", "step", "then"), found.upcoming, lambda p: _planned(p, last), title)


def _planned(planned: Planned, last: Planned) -> tuple[object, ...]:
    step = step_label(planned.step, language()) if planned.step else ""
    return planned.day, step, word("cli", "case_ends") if planned is last else ""


def _head(case: CaseRecord) -> None:
    title = f"{word('case', case.kind)} {case.matter} ({case.scheme})"
    out.print(title, style="bold", highlight=False)
    standing = word("standing", "open" if case.is_open else "closed")
    out.print(f"{standing}: {word('reason', case.reason)}", highlight=False)
    if case.deadline:
        again = f", {case.recharge_on}" if case.recharge_on else ""
        words = f"{word('detail', 'deadline')}: {case.deadline}{again}"
        out.print(f"{words} ({case.generation})", highlight=False)
