"""One place changes the state of messages, and it goes by the table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import notifier
from notifier.model.states import Channel, IllegalMove, State
from notifier.store.transitions import Transition, check_initial

ROOT = Path(notifier.__file__).parent
SET = re.compile(
    r"UPDATE\s+(?:ONLY\s+)?messages\b(?:\s+\w+)?\s+SET\b(.*?)(?:\bFROM\b|\bWHERE\b|$)", re.DOTALL
)
SETS_STATE = re.compile(r"\bstate\s*=(?!=)|\{\}")  # {}: what is put in could be anything
CREATES = re.compile(r"INSERT\s+INTO\s+messages\b")
LOGS_MOVE = re.compile(r"INSERT\s+INTO\s+log\b.*'(?:move|\{\})'", re.DOTALL)


def texts(path: Path) -> Iterator[str]:
    """All strings of a module; what an f-string puts in is ``{}``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def changes_state(sql: str) -> bool:
    given = [found[1] for found in SET.finditer(sql)]
    return any(map(SETS_STATE.search, given)) or bool(CREATES.search(sql) or LOGS_MOVE.search(sql))


def modules() -> list[Path]:
    versions = ROOT / "store" / "migrations" / "versions"
    return [p for p in sorted(ROOT.rglob("*.py")) if versions not in p.parents]


def test_no_other_module_sets_the_state_of_messages() -> None:
    found = {path.relative_to(ROOT) for path in modules() if any(map(changes_state, texts(path)))}
    assert found == {Path("store/transitions.py")}
    files = [
        p for kind in ("*.sql", "*.j2") for p in ROOT.rglob(kind) if changes_state(p.read_text())
    ]
    assert files == []


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        ("UPDATE messages SET state = 'sent' WHERE message_id = :id", True),
        ("UPDATE messages m SET reason = :r,\n    state = given.after FROM given", True),
        ("UPDATE messages m SET {}", True),
        ("INSERT INTO messages (state) VALUES ('sent')", True),
        ("INSERT INTO log (kind, after) SELECT 'move', 'sent'", True),
        ("UPDATE messages SET stopped = :reason WHERE state = 'sending'", False),
        ("UPDATE messages m SET fallback = f FROM found WHERE m.state = 'returned'", False),
        ("UPDATE tasks SET state = 'done'", False),
        ("INSERT INTO message_keys (token) SELECT token FROM given", False),
        ("INSERT INTO log (kind, after) SELECT 'fallback', 'letter'", False),
    ],
)
def test_the_reader_of_statements_knows_what_sets_a_state(sql: str, changes: bool) -> None:
    assert changes_state(sql) is changes


@pytest.mark.parametrize(
    ("channels", "before", "after"),
    [
        ((Channel.EMAIL,), State.SENT, State.QUEUED),
        ((Channel.EMAIL,), State.QUEUED, State.SENDING),  # without a claim
        ((Channel.EMAIL,), State.SENDING, State.CANCELLED),
        ((Channel.EMAIL,), State.CANCELLED, State.QUEUED),  # the end
        ((Channel.EMAIL,), State.QUEUED, State.PRINTED),  # a letter's
        ((Channel.LETTER,), State.QUEUED, State.CLAIMED),  # a mail's
        ((Channel.LETTER,), State.POSTED, State.CANCELLED),
        (tuple(Channel), State.UNCERTAIN, State.SENT),  # a mail's alone
    ],
)
def test_a_statement_past_the_table_is_refused_where_it_is_defined(
    channels: tuple[Channel, ...], before: State, after: State
) -> None:
    with pytest.raises(IllegalMove):
        Transition({before: {after}}, channels=channels)


def test_what_follows_has_to_be_named_where_there_are_several_ends() -> None:
    ends = {State.SENDING: {State.SENT, State.FAILED}}
    with pytest.raises(ValueError, match="say which column"):
        Transition(ends)
    outcome = Transition(ends, after="given.after")
    outcome.check(State.SENDING, State.FAILED)
    with pytest.raises(IllegalMove):  # in the table, but not of this statement
        outcome.check(State.SENDING, State.UNCERTAIN)


def test_a_lease_ends_with_a_move_out_of_it_only() -> None:
    assert "lease_until = NULL" in Transition({State.CLAIMED: {State.QUEUED}}).moved()
    assert "lease_until = NULL" not in Transition({State.CLAIMED: {State.SENDING}}).moved()
    assert "lease_until = NULL" not in Transition({State.HELD: {State.QUEUED}}).moved()


@pytest.mark.parametrize("state", sorted(set(State) - {State.HELD, State.QUEUED, State.SUPPRESSED}))
def test_a_message_comes_to_be_waiting_or_held(state: State) -> None:
    with pytest.raises(ValueError, match=state):
        check_initial(state)
