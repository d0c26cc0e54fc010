"""Drafts and publications of templates; what has been published is never changed."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE template_drafts (
        draft_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        note text NOT NULL
    )""",
    # ``base``: what the draft is to replace; where that has changed meanwhile, it is refused.
    """CREATE TABLE template_draft_versions (
        draft_id bigint NOT NULL REFERENCES template_drafts,
        language text NOT NULL,
        notice text NOT NULL,
        digest text NOT NULL REFERENCES template_versions,
        base text NOT NULL REFERENCES template_versions,
        PRIMARY KEY (draft_id, language, notice)
    )""",
    # Its id is the number by which claims know which versions are in force.
    """CREATE TABLE template_publications (
        publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        language text NOT NULL,
        notice text NOT NULL,
        digest text NOT NULL REFERENCES template_versions,
        replaces text NOT NULL REFERENCES template_versions,
        draft_id bigint REFERENCES template_drafts,
        published_at timestamptz NOT NULL,
        published_by text NOT NULL REFERENCES staff (login),
        note text NOT NULL,
        UNIQUE (draft_id, language, notice)
    )""",
    "CREATE INDEX template_publications_of ON template_publications (language, notice)",
    """CREATE FUNCTION refuse_template_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'templates on record are never changed'
            USING ERRCODE = 'insufficient_privilege';
    END $$""",
    *(
        f"""CREATE TRIGGER {table}_{name} BEFORE {acts} ON {table}
            FOR EACH {each} EXECUTE FUNCTION refuse_template_change()"""
        for table in ("template_versions", "template_draft_versions", "template_publications")
        for name, acts, each in (("rows", "UPDATE OR DELETE", "ROW"),
                                 ("whole", "TRUNCATE", "STATEMENT"))
    ),
)  # fmt: skip


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
