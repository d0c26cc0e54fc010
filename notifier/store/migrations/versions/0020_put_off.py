"""Items of sweeps that failed are put off, each by itself."""

from alembic import op

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None

#: ``problem`` is the name of an error, never its text.
_TABLE = """CREATE TABLE put_off (
    sweep text NOT NULL,
    item bigint NOT NULL,
    attempts integer NOT NULL,
    problem text NOT NULL,
    tried_at timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    PRIMARY KEY (sweep, item)
)"""


def upgrade() -> None:
    """Change what is there."""
    op.execute(_TABLE)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
