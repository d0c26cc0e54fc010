"""Long work that people ask for: what, for whom, how far it is, and what came of it."""

from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE long_jobs (
        job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        parameters jsonb NOT NULL,
        owner text NOT NULL,
        state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        runner text,
        done integer NOT NULL DEFAULT 0,
        total integer NOT NULL DEFAULT 0,
        begun jsonb NOT NULL DEFAULT '{}',
        result jsonb,
        error text,
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        heartbeat_at timestamptz,
        ended_at timestamptz
    )""",
    """CREATE INDEX long_jobs_unfinished ON long_jobs (job_id)
        WHERE state IN ('queued', 'running')""",
)


def upgrade() -> None:
    """Make the table; nothing runs in it yet."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
