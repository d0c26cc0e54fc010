"""Users: roles, credentials, sessions, requests for a second person, service accounts; scopes.

Whoever was staff is a user whom alerts reach and who cannot sign in yet. Keys keep the rights that
every key had.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_ROLES = "('operator', 'author', 'approver', 'agency', 'compliance', 'administrator')"
_STATEMENTS = (
    """ALTER TABLE staff
        ADD COLUMN alerts boolean NOT NULL DEFAULT true,
        ADD COLUMN state text NOT NULL DEFAULT 'registered'
            CHECK (state IN ('registered', 'active', 'disabled'))""",
    # Whom they are about is a login, the id of a key or the name of a service account. Four eyes
    # hold here already: whoever asks does not confirm, and nobody confirms what is about them.
    """CREATE TABLE user_requests (
        request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('first', 'founding', 'invitation', 'reset', 'grant',
            'enable', 'key', 'service')),
        subject text NOT NULL,
        roles text[] NOT NULL DEFAULT '{}',
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        first_code bytea,
        confirmed_by text,
        confirmed_at timestamptz,
        second_code bytea,
        done_at timestamptz,
        CHECK (confirmed_by <> requested_by AND confirmed_by <> subject),
        CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL))
    )""",
    "CREATE UNIQUE INDEX user_requests_first ON user_requests (kind) WHERE kind = 'first'",
    "CREATE INDEX user_requests_open ON user_requests (subject) WHERE done_at IS NULL",
    # A role that approves or administers stands on a request.
    f"""CREATE TABLE user_roles (
        user_id bigint NOT NULL REFERENCES staff,
        role text NOT NULL CHECK (role IN {_ROLES}),
        granted_by text NOT NULL,
        granted_at timestamptz NOT NULL,
        request_id bigint REFERENCES user_requests,
        PRIMARY KEY (user_id, role),
        CHECK (role NOT IN ('approver', 'administrator') OR request_id IS NOT NULL)
    )""",
    """CREATE TABLE user_credentials (
        user_id bigint PRIMARY KEY REFERENCES staff,
        password_hash text NOT NULL,
        totp_secret text NOT NULL,
        last_step bigint NOT NULL,
        failures integer NOT NULL DEFAULT 0,
        locked_until timestamptz,
        changed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE user_recovery_codes (
        user_id bigint NOT NULL REFERENCES staff,
        code_hash bytea NOT NULL,
        used_at timestamptz,
        PRIMARY KEY (user_id, code_hash)
    )""",
    """CREATE TABLE user_sessions (
        token_hash bytea PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES staff,
        created_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX user_sessions_of ON user_sessions (user_id)",
    """CREATE TABLE service_accounts (
        name text PRIMARY KEY,
        token_hash bytea NOT NULL,
        scopes text[] NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        is_confirmed boolean NOT NULL,
        revoked_at timestamptz
    )""",
    """ALTER TABLE api_keys
        ADD COLUMN scopes text[] NOT NULL
            DEFAULT '{events.write,members.write,events.read,deliveries.read}',
        ADD COLUMN expires_at timestamptz,
        ADD COLUMN is_confirmed boolean NOT NULL DEFAULT true""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
