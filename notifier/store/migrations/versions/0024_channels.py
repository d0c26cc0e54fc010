"""A channel is any that is registered: the program knows which, and the record no list of them."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE members DROP CONSTRAINT members_channel_check",
    "ALTER TABLE messages DROP CONSTRAINT messages_channel_check",
    # What is there is one of the two that were allowed, and need not be read for this.
    """ALTER TABLE members ADD CONSTRAINT members_channel_named
        CHECK (length(channel) BETWEEN 1 AND 40) NOT VALID""",
    """ALTER TABLE messages ADD CONSTRAINT messages_channel_named
        CHECK (length(channel) BETWEEN 1 AND 40) NOT VALID""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
