"""Cases: a plan by name, the moment at which it speaks next, the end by its own time.

Re-registrations are kept apart from cases, because one may be told before the failure.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "DROP INDEX cases_due",
    """ALTER TABLE cases
        ADD COLUMN plan text,
        ADD COLUMN told_on date,
        ADD COLUMN next_due_at timestamptz,
        ADD COLUMN reregistered_at timestamptz,
        ADD COLUMN reregistered_by bigint,
        ADD COLUMN ended_on date,
        ADD COLUMN closed_by bigint""",
    # A correction's case says no category of card error. What had nothing to say any more is
    # looked at once by the clock, which waits for its outcome from now on.
    """UPDATE cases SET
        plan = CASE WHEN facts ? 'category' THEN 'charge' ELSE 'correction' END,
        next_due_at = CASE WHEN state = 'open' THEN
            (coalesce(next_due_on, recharge_on, deadline) + time '09:00')
                AT TIME ZONE 'Asia/Tokyo' END
        WHERE kind = 'charge' AND deadline IS NOT NULL""",
    # A case that reminds no more has been told of a re-registration: nothing else stopped one.
    """UPDATE cases SET reregistered_at = occurred_at
        WHERE state = 'open' AND plan IS NOT NULL AND next_due_on IS NULL
          AND reason = 'reregistered'""",
    "ALTER TABLE cases DROP COLUMN next_due_on",
    # A tick finds what is due by this index alone, however many cases are open.
    """CREATE INDEX cases_due ON cases (next_due_at, case_id)
        WHERE state = 'open' AND next_due_at IS NOT NULL""",
    "CREATE INDEX cases_closed_by ON cases (closed_by) WHERE closed_by IS NOT NULL",
    """CREATE INDEX cases_reregistered_by ON cases (reregistered_by)
        WHERE reregistered_by IS NOT NULL""",
    """CREATE TABLE reregistrations (
        event_id bigint PRIMARY KEY REFERENCES events,
        member_id bigint NOT NULL REFERENCES members,
        source text NOT NULL,
        scheme text NOT NULL,
        charge_id text,
        at timestamptz NOT NULL
    )""",
    "CREATE INDEX reregistrations_member ON reregistrations (member_id)",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
