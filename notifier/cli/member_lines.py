"""Members and their changes as lines on the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence

from notifier.app.member_imports import Plan, Planned
from notifier.model.characters import printable
from notifier.model.member import Member
from notifier.model.register import CREATED, ENROLMENT, STATUS, Change, values_of

from .language import as_json, word
from .output import phrase, say
from .tables import named_facts, show

_EXAMPLES = 10


def field_name(field: str) -> str:
    """The name of a field of a member as people read it."""
    if field.startswith(ENROLMENT):
        return phrase("member.enrolment", scheme=field.removeprefix(ENROLMENT))
    return word("member", field)


def value_text(field: str, value: str) -> str:
    """A value of a field as people read it."""
    kinds = {"channel": "channel", "organisation": "member", STATUS: "member_status"}
    return word(kinds[field], value) if field in kinds else value


def change_cells(change: Change) -> tuple[str, str, str]:
    """Field, earlier and later value."""
    return (
        field_name(change.field),
        value_text(change.field, change.before),
        value_text(change.field, change.after),
    )


def some(texts: Sequence[str]) -> str:
    """The first few of many."""
    more = len(texts) - _EXAMPLES
    tail = [phrase("cli.and_more", count=more)] if more > 0 else []
    return printable(", ".join([*texts[:_EXAMPLES], *tail]))


def show_plan(plan: Plan) -> None:
    """Print what an import would change: how many, which fields, examples of each."""
    counts = {name: len(getattr(plan, name)) for name in ("new", "changed", "gone")}
    say("import_summary", **counts, unchanged=plan.unchanged)
    if as_json():
        return
    changes = [c for p in plan.changed for c in p.changes]
    _fields("import_fields", changes)
    _fields("import_emptied", [c for c in changes if not c.after])
    if plan.newer:
        say("import_newer", count=len(plan.newer), numbers=some(plan.newer))
    if plan.left:
        say("import_left", count=plan.left)
    if plan.unmarked:
        names = [f"{p.member.member_no} {p.member.name}" for p in plan.unmarked]
        say("import_unmarked", count=len(names), names=some(names))
    _examples(plan)


def _fields(code: str, changes: Iterable[Change]) -> None:
    counted = Counter(field_name(change.field) for change in changes)
    if counted:
        say(code, fields=", ".join(f"{name} {count:,}" for name, count in counted.most_common()))


def _examples(plan: Plan) -> None:
    lines = [
        (p.member.member_no, *change_cells(c)) for p in _spread(plan.changed) for c in p.changes
    ]
    new = word("member", "created")
    lines += [(p.member.member_no, new, "", p.member.name) for p in plan.new[:_EXAMPLES]]
    gone = Change(STATUS, "active", "left")
    lines += [(number, *change_cells(gone)) for number in plan.gone[:_EXAMPLES]]
    if lines:
        show(("member", "field", "before", "after"), lines, tuple, word("cli", "examples"))


def _spread(changed: Sequence[Planned]) -> list[Planned]:
    """Examples of every field that changes, in the order of the file."""
    seen: Counter[str] = Counter()
    chosen = []
    for planned in changed:
        if any(seen[c.field] < _EXAMPLES // 2 for c in planned.changes):
            chosen.append(planned)
            seen.update(c.field for c in planned.changes)
    return chosen[: 3 * _EXAMPLES]


def show_member(member: Member) -> None:
    """All that is on record of a member."""
    lines = [("member_no", member.member_no)]
    lines += [(f, value_text(f, v)) for f, v in values_of(member).items()]
    lines.append(("addressed", f"{member.name} {member.addressed_as}"))
    lines.append((STATUS, word("member_status", member.status)))
    if member.left_on:
        lines.append(("left_on", member.left_on.isoformat()))
    named_facts([(field_name(f), value) for f, value in lines])


def heading_of(change: Change) -> tuple[str, str, str]:
    """A change as a line of a history; that somebody came to be known has no values."""
    if change.field == CREATED:
        return word("member", "created"), "", ""
    return change_cells(change)
