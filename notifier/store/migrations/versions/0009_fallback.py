"""Letters in place of mails, charges told together, and the association's closed days."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CLOSURES = (
    # What is taken back is withdrawn, not deleted: what a plan went by stays on record.
    """CREATE TABLE closures (
        closure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        scheme text REFERENCES schemes,
        first_day date NOT NULL,
        last_day date NOT NULL CHECK (last_day >= first_day),
        name text NOT NULL,
        registered_at timestamptz NOT NULL,
        registered_by text NOT NULL,
        withdrawn_at timestamptz,
        withdrawn_by text
    )""",
    """CREATE UNIQUE INDEX closures_in_force ON closures (scheme, first_day, last_day)
        NULLS NOT DISTINCT WHERE withdrawn_at IS NULL""",
)

_FALLBACK = (
    # ``fallback``: what was decided when a mail had not reached its reader; once for each mail.
    """ALTER TABLE messages
        ADD COLUMN in_place_of bigint REFERENCES message_keys,
        ADD COLUMN useful_until date,
        ADD COLUMN fallback text""",
    """CREATE INDEX messages_unreached ON messages (notice, message_id)
        WHERE channel = 'email' AND fallback IS NULL
          AND state IN ('uncertain', 'bounced', 'failed', 'suppressed')""",
    # Letters that still wait while their mail may turn out to have arrived.
    """CREATE INDEX messages_in_place ON messages (in_place_of)
        WHERE in_place_of IS NOT NULL AND state IN ('held', 'queued', 'printed')""",
    """CREATE INDEX messages_returned ON messages (message_id)
        WHERE state = 'returned' AND fallback IS NULL""",
)

_TOGETHER = (
    # Further cases that a message tells of, beside the one under whose key it stands.
    """CREATE TABLE message_cases (
        message_id bigint NOT NULL REFERENCES message_keys,
        case_id bigint NOT NULL REFERENCES cases,
        generation integer NOT NULL,
        PRIMARY KEY (message_id, case_id)
    )""",
    "CREATE INDEX message_cases_case ON message_cases (case_id)",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in (*_CLOSURES, *_FALLBACK, *_TOGETHER):
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
