"""The press: files of many letters, hand-over that may be uncertain, acknowledgements."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE batches DROP CONSTRAINT batches_state_check",
    """ALTER TABLE batches ADD CONSTRAINT batches_state_check CHECK (state IN (
        'open', 'printed', 'handing_over', 'uncertain', 'handed_over', 'posted', 'cancelled'))""",
    """ALTER TABLE batches
        ADD COLUMN posting_day date,
        ADD COLUMN revision integer NOT NULL DEFAULT 1,
        ADD COLUMN yen bigint,
        ADD COLUMN target text NOT NULL DEFAULT ''""",
    """CREATE TABLE batch_files (
        batch_id bigint NOT NULL REFERENCES batches,
        name text NOT NULL,
        pieces integer NOT NULL,
        pages integer NOT NULL,
        size bigint NOT NULL,
        sha256 bytea NOT NULL,
        PRIMARY KEY (batch_id, name)
    )""",
    # Which attempt a piece is: a letter that was taken out of one batch is printed in another.
    """ALTER TABLE pieces
        ADD COLUMN attempt integer,
        ADD COLUMN grams integer,
        ADD COLUMN yen integer,
        ADD COLUMN taken_out_at timestamptz,
        ADD COLUMN withdrawn_at timestamptz,
        ADD COLUMN withdrawn_by text,
        ADD COLUMN posted_on date""",
    """UPDATE pieces p SET attempt = a.number FROM batches b, attempts a
        WHERE b.batch_id = p.batch_id AND a.message_id = p.message_id AND a.relay = b.folder
          AND a.outcome = 'printed'""",
    "UPDATE pieces SET attempt = 1 WHERE attempt IS NULL",
    "ALTER TABLE pieces ALTER COLUMN attempt SET NOT NULL",
    "CREATE INDEX pieces_serial ON pieces (batch_id, serial) WHERE taken_out_at IS NULL",
    "CREATE UNIQUE INDEX pieces_press_id ON pieces (batch_id, press_id) WHERE press_id IS NOT NULL",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
