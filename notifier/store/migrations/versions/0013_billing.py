"""What billing asks for: outcomes of events, rejected ones too; test keys; refused access."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OUTCOMES = (
    # Kind and key of the tasks that an event raised: what makes a task is the rules' business.
    "ALTER TABLE decisions ADD COLUMN tasks jsonb",
    "CREATE INDEX tasks_key ON tasks (kind, key)",
    # Whose event an entry of the stream was, where it could be read so far.
    "ALTER TABLE rejected_entries ADD COLUMN source text, ADD COLUMN id text",
    "CREATE INDEX rejected_entries_event ON rejected_entries (source, id) WHERE id IS NOT NULL",
)

_TESTS = (
    "ALTER TABLE api_keys ADD COLUMN test boolean NOT NULL DEFAULT false",
    """CREATE TABLE test_events (
        test_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key_id text NOT NULL REFERENCES api_keys,
        source text NOT NULL,
        id text NOT NULL,
        digest bytea NOT NULL,
        received_at timestamptz NOT NULL,
        outcome bytea NOT NULL,
        UNIQUE (source, id)
    )""",
    "CREATE INDEX test_events_received ON test_events (received_at)",
    # A row of this table makes its transaction one that cannot be committed.
    "CREATE TABLE never_committed (at timestamptz NOT NULL)",
    """CREATE FUNCTION refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
           RAISE EXCEPTION 'a test is never committed' USING ERRCODE = 'insufficient_privilege';
       END $$""",
    """CREATE CONSTRAINT TRIGGER never_committed AFTER INSERT ON never_committed
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_commit()""",
)

_REFUSED = (
    """CREATE TABLE refused_access (
        minute timestamptz NOT NULL,
        address text NOT NULL,
        interface text NOT NULL,
        reason text NOT NULL,
        name text NOT NULL,
        count bigint NOT NULL,
        last_at timestamptz NOT NULL,
        PRIMARY KEY (minute, address, interface, reason, name)
    )""",
)


def upgrade() -> None:
    """Add what is new."""
    for statement in (*_OUTCOMES, *_TESTS, *_REFUSED):
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
