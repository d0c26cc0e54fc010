"""Imports of the member register, and what each changed, so that it can be shown and taken back."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE member_imports (
        import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        sha256 bytea,
        columns text[] NOT NULL,
        is_full boolean NOT NULL,
        new integer NOT NULL,
        changed integer NOT NULL,
        gone integer NOT NULL,
        unchanged integer NOT NULL,
        undoes bigint REFERENCES member_imports,
        undone_by bigint REFERENCES member_imports
    )""",
    # A side table that can be erased: ``content`` is personal data, {"before": …, "after": …}.
    # It outlives a member whose import was taken back, hence no reference to members.
    """CREATE TABLE member_changes (
        change_id bigint GENERATED ALWAYS AS IDENTITY,
        member_id bigint NOT NULL,
        member_no text NOT NULL,
        import_id bigint REFERENCES member_imports,
        event_id bigint,
        field text NOT NULL,
        content bytea NOT NULL,
        key_id bigint,
        nonce bytea,
        actor text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (member_no, change_id)
    )""",
    """CREATE INDEX member_changes_import ON member_changes (import_id)
        WHERE import_id IS NOT NULL""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
