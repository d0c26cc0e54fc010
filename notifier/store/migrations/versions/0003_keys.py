"""Keys of messages apart from their state, and what a message shows as one row.

A message changes its state three times on its way, and each change is a new version of its row,
which has to be entered into every index. Its key (what it is about, to whom, and its token) never
changes: in a table of its own its indexes are left alone by all that.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = "case_id, campaign_id, task_id, member_id, staff_id, notice, step, channel, generation"

_KEYS = (
    """CREATE TABLE message_keys (
        message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        token text NOT NULL UNIQUE,
        case_id bigint,
        campaign_id bigint,
        task_id bigint,
        member_id bigint,
        staff_id bigint,
        notice text NOT NULL,
        step text NOT NULL,
        channel text NOT NULL,
        generation integer NOT NULL,
        UNIQUE NULLS NOT DISTINCT
            (case_id, campaign_id, task_id, member_id, staff_id, notice, step, channel, generation)
    )""",
    f"""INSERT INTO message_keys (message_id, token, {_KEY}) OVERRIDING SYSTEM VALUE
        SELECT message_id, token, {_KEY} FROM messages""",
    """SELECT setval(pg_get_serial_sequence('message_keys', 'message_id'),
        (SELECT last_value FROM messages_message_id_seq),
        (SELECT is_called FROM messages_message_id_seq))""",
    "CREATE INDEX message_keys_member ON message_keys (member_id, message_id)",
    "ALTER TABLE messages ALTER COLUMN message_id DROP IDENTITY",
    "ALTER TABLE messages ADD FOREIGN KEY (message_id) REFERENCES message_keys",
    "ALTER TABLE messages DROP CONSTRAINT messages_token_key",
    """ALTER TABLE messages
        DROP CONSTRAINT messages_case_id_campaign_id_task_id_member_id_staff_id_not_key""",
    "DROP INDEX messages_member",
    # What is claimed stands in the index of leases, which is short.
    "DROP INDEX messages_expiring",
    "CREATE INDEX messages_expiring ON messages (expires_at) WHERE state = 'queued'",
)

_SHOWN = (
    # One row with all that a message has shown costs a tenth of a row for each amount.
    """CREATE TABLE shown (
        message_id bigint NOT NULL,
        created_at timestamptz NOT NULL,
        amounts jsonb NOT NULL CHECK (jsonb_typeof(amounts) = 'array')
    ) PARTITION BY RANGE (created_at)""",
    "CREATE INDEX shown_message ON shown (message_id)",
    "CREATE INDEX shown_amounts ON shown USING gin (amounts jsonb_path_ops)",
    "CREATE TABLE shown_rest PARTITION OF shown DEFAULT",
    """INSERT INTO shown (message_id, created_at, amounts)
        SELECT message_id, created_at, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'role', role, 'name', name, 'yen', yen, 'day', day, 'text', text)))
        FROM shown_values GROUP BY message_id, created_at""",
    "DROP TABLE shown_values",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in (*_KEYS, *_SHOWN):
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
