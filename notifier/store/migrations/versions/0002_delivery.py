"""Delivery: dictionaries by their content, a limit of attempts, one check less on every claim."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # A template version makes mails of several kinds, so that it may have several.
    "ALTER TABLE dictionaries DROP CONSTRAINT dictionaries_template_digest_key",
    "ALTER TABLE dictionaries ADD COLUMN sha256 bytea NOT NULL UNIQUE",
    "CREATE INDEX dictionaries_template ON dictionaries (template_digest)",
    # How many attempts the notice allows; none: until it expires.
    "ALTER TABLE messages ADD COLUMN most_attempts smallint",
    # What a case's messages went through is found by the messages; an entry for each move of each
    # message in this index, too, costs more than it is worth.
    "DROP INDEX log_case",
    (
        "CREATE INDEX log_case ON log (case_id, position)"
        " WHERE case_id IS NOT NULL AND message_id IS NULL"
    ),
    # One message may show other amounts the second time, and both count.
    "ALTER TABLE shown_values DROP CONSTRAINT shown_values_pkey",
    "CREATE INDEX shown_values_message ON shown_values (message_id)",
    # Whose claim it is, the permit asks; looking it up at every claim costs as much as the claim.
    "ALTER TABLE messages DROP CONSTRAINT messages_worker_id_fkey",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
