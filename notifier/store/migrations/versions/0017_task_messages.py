"""Which held messages a task is about, and for which reason it was held then."""

from alembic import op

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE task_messages (
        task_id bigint NOT NULL REFERENCES tasks,
        message_id bigint NOT NULL REFERENCES message_keys,
        reason text NOT NULL,
        PRIMARY KEY (task_id, message_id)
    )""",
    "CREATE INDEX task_messages_message ON task_messages (message_id)",
    # What is held today belongs to the open tasks that name its notice and reason.
    """INSERT INTO task_messages (task_id, message_id, reason)
        SELECT t.task_id, m.message_id, m.reason FROM tasks t
        JOIN messages m ON m.state = 'held' AND (
            t.kind = 'held_message' AND m.notice = t.details->>'notice'
                AND m.reason = t.details->>'reason'
            OR t.kind = 'unknown_gateway_code' AND m.reason = 'unknown_gateway_code')
        WHERE t.state IN ('waiting', 'open') AND t.kind IN ('held_message', 'unknown_gateway_code')
          AND (t.details->>'scheme' IS NULL OR m.scheme = t.details->>'scheme')""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
