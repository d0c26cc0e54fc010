"""Members and their changes as lines on the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence

from notifier.app.member_imports import Plan, Planned
from notifier.intake.characters import printable
from notifier.model.member import Member
from notifier.model.register import CREATED, ENROLMENT, STATUS, Change, values_of
from notifier.rendering.labels import label

from .session import out
from .tables import named_facts, show

_EXAMPLES = 10


def field_name(field: str, language: str) -> str:
    """The name of a field of a member as people read it."""
    if field.startswith(ENROLMENT):
        return label("member.enrolment", language, scheme=field.removeprefix(ENROLMENT))
    return label(f"member.{field}", language)


def value_text(field: str, value: str, language: str) -> str:
    """A value of a field as people read it."""
    kinds = {"channel": "channel", "organisation": "member", STATUS: "member_status"}
    return label(f"{kinds[field]}.{value}", language) if value and field in kinds else value


def change_cells(change: Change, language: str) -> tuple[str, str, str]:
    """Field, earlier and later value."""
    return (
        field_name(change.field, language),
        value_text(change.field, change.before, language),
        value_text(change.field, change.after, language),
    )


def some(texts: Sequence[str], language: str) -> str:
    """The first few of many."""
    more = len(texts) - _EXAMPLES
    tail = [label("cli.and_more", language, count=f"{more:,}")] if more > 0 else []
    return printable(", ".join([*texts[:_EXAMPLES], *tail]))


def show_plan(plan: Plan, language: str) -> None:
    """What an import would change: how many, which fields, examples of each."""
    names = ("new", "changed", "gone")
    counts = {name: f"{len(getattr(plan, name)):,}" for name in names}
    counts["unchanged"] = f"{plan.unchanged:,}"
    out.print(label("cli.import_summary", language, **counts))
    changes = [c for p in plan.changed for c in p.changes]
    _fields("cli.import_fields", changes, language)
    _fields("cli.import_emptied", [c for c in changes if not c.after], language)
    _notes(plan, language)
    _examples(plan, language)


def _fields(key: str, changes: Iterable[Change], language: str) -> None:
    counted = Counter(field_name(change.field, language) for change in changes)
    if counted:
        fields = ", ".join(f"{name} {count:,}" for name, count in counted.most_common())
        out.print(label(key, language, fields=fields))


def _notes(plan: Plan, language: str) -> None:
    if plan.newer:
        numbers = some(plan.newer, language)
        out.print(label("cli.import_newer", language, count=len(plan.newer), numbers=numbers))
    if plan.left:
        out.print(label("cli.import_left", language, count=f"{plan.left:,}"))
    if plan.unmarked:
        names = [f"{p.member.member_no} {p.member.name}" for p in plan.unmarked]
        count = f"{len(names):,}"
        named = some(names, language)
        out.print(label("cli.import_unmarked", language, count=count, names=named))


def _examples(plan: Plan, language: str) -> None:
    lines = [
        (p.member.member_no, *change_cells(c, language))
        for p in _spread(plan.changed)
        for c in p.changes
    ]
    new = label("member.created", language)
    lines += [(p.member.member_no, new, "", p.member.name) for p in plan.new[:_EXAMPLES]]
    gone = Change(STATUS, "active", "left")
    lines += [(number, *change_cells(gone, language)) for number in plan.gone[:_EXAMPLES]]
    if lines:
        show(("member", "field", "before", "after"), lines, label("cli.examples", language))


def _spread(changed: Sequence[Planned]) -> list[Planned]:
    """Examples of every field that changes, in the order of the file."""
    seen: Counter[str] = Counter()
    chosen = []
    for planned in changed:
        if any(seen[c.field] < _EXAMPLES // 2 for c in planned.changes):
            chosen.append(planned)
            seen.update(c.field for c in planned.changes)
    return chosen[: 3 * _EXAMPLES]


def show_member(member: Member, language: str) -> None:
    """All that is on record of a member."""
    lines = [("member_no", member.member_no)]
    lines += [(f, value_text(f, v, language)) for f, v in values_of(member).items()]
    lines.append(("addressed", f"{member.name} {member.addressed_as}"))
    lines.append((STATUS, label(f"member_status.{member.status}", language)))
    if member.left_on:
        lines.append(("left_on", member.left_on.isoformat()))
    named_facts([(field_name(f, language), value) for f, value in lines])


def heading_of(change: Change, language: str) -> tuple[str, str, str]:
    """A change as a line of a history; that somebody came to be known has no values."""
    if change.field == CREATED:
        return label("member.created", language), "", ""
    return change_cells(change, language)
