"""Copies that a person asks for, and letters to organisations that are no members."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OLD_KEY = "message_keys_case_id_campaign_id_task_id_member_id_staff_id_key"
_COPIES = (
    # ``copy`` is 0 for what the engine sends by itself; a person can have further ones sent, each
    # of them once. The key is built anew before the old one goes (4 s for a million rows).
    "ALTER TABLE message_keys ADD COLUMN copy smallint NOT NULL DEFAULT 0",
    """CREATE UNIQUE INDEX message_keys_key ON message_keys
        (case_id, campaign_id, task_id, member_id, staff_id, notice, step, channel, generation,
         copy) NULLS NOT DISTINCT""",
    f"ALTER TABLE message_keys DROP CONSTRAINT {_OLD_KEY}",
    # The reason is in a person's words, so that it is here and not in the log.
    """CREATE TABLE resends (
        message_id bigint PRIMARY KEY REFERENCES message_keys,
        resend_of bigint NOT NULL REFERENCES message_keys,
        reason text NOT NULL,
        again boolean NOT NULL,
        anyway boolean NOT NULL,
        requested_at timestamptz NOT NULL,
        requested_by text NOT NULL
    )""",
    "CREATE INDEX resends_of ON resends (resend_of)",
)

_REPORTS = (
    # The case of a report has no member; its reader stands beside it and can be erased alone.
    "ALTER TABLE cases ALTER COLUMN member_id DROP NOT NULL",
    """ALTER TABLE cases ADD CONSTRAINT cases_reader
        CHECK ((member_id IS NULL) = (kind = 'report')) NOT VALID""",
    "CREATE UNIQUE INDEX cases_report ON cases (source, matter) WHERE member_id IS NULL",
    """CREATE TABLE recipients (
        case_id bigint PRIMARY KEY REFERENCES cases,
        contact bytea NOT NULL,
        key_id bigint,
        nonce bytea,
        updated_at timestamptz NOT NULL
    )""",
    "ALTER TABLE messages DROP CONSTRAINT messages_check1",
    """ALTER TABLE messages ADD CONSTRAINT messages_reader CHECK (
        num_nonnulls(member_id, staff_id) = 1
        OR (num_nonnulls(member_id, staff_id) = 0 AND case_id IS NOT NULL
            AND channel = 'letter')) NOT VALID""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in (*_COPIES, *_REPORTS):
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
