"""Events that cannot be decided are put off and given up; rejected entries are discarded."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # ``next_try_at`` NULL: given up; only a person has it tried again. ``problem`` is the name of
    # an error of ours, never its text. The row stays once the event is decided.
    """CREATE TABLE undecided_events (
        event_id bigint PRIMARY KEY REFERENCES events,
        attempts integer NOT NULL,
        problem text NOT NULL,
        tried_at timestamptz NOT NULL,
        next_try_at timestamptz,
        given_up_at timestamptz
    )""",
    # ``masked``: a card number in it was not kept, so that it cannot be replayed.
    """ALTER TABLE rejected_entries
        ADD COLUMN masked boolean NOT NULL DEFAULT false,
        ADD COLUMN discarded_at timestamptz,
        ADD COLUMN discarded_by text,
        ADD COLUMN discard_reason text""",
    """CREATE INDEX rejected_entries_pending ON rejected_entries (entry_id)
        WHERE replayed_at IS NULL AND discarded_at IS NULL""",
    """CREATE INDEX rejected_entries_settled
        ON rejected_entries (coalesce(replayed_at, discarded_at))
        WHERE replayed_at IS NOT NULL OR discarded_at IS NOT NULL""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
