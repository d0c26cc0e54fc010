"""What comes back: returns with their bytes apart, entries on messages, suppressed addresses.

Addresses are looked up by a keyed hash (HMAC-SHA256), so that nothing but their side tables,
which can be erased, holds them in clear. ``address_key`` holds the key already mixed with the two
pads of RFC 2104; whoever moves the key elsewhere takes the function along.
"""

from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADDRESSES = (
    "CREATE TABLE address_key (inner_pad bytea NOT NULL, outer_pad bytea NOT NULL)",
    "CREATE UNIQUE INDEX address_key_one ON address_key ((true))",
    """CREATE FUNCTION xored(key bytea, pad integer) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
        SELECT string_agg(set_byte('\\x00', 0, pad # CASE WHEN n < length(key)
            THEN get_byte(key, n) ELSE 0 END), '' ORDER BY n) FROM generate_series(0, 63) AS n
    $$""",
    # 32 bytes, from six random UUIDs with 122 random bits each.
    """WITH fresh AS (SELECT sha256(string_agg(uuid_send(gen_random_uuid()), '')) AS key
                     FROM generate_series(1, 6))
       INSERT INTO address_key SELECT xored(key, 54), xored(key, 92) FROM fresh""",
    "DROP FUNCTION xored",
    # Of an address that is unquoted; see notifier.model.suppression.normal.
    """CREATE FUNCTION address_index(address text) RETURNS bytea LANGUAGE sql STABLE STRICT
       PARALLEL SAFE AS $$
        SELECT sha256(outer_pad || sha256(inner_pad || convert_to(lower(address), 'UTF8')))
        FROM address_key
    $$""",
    # Since when it is this one, as far as the register tells.
    "ALTER TABLE member_contacts ADD COLUMN email_since timestamptz",
    """UPDATE member_contacts SET email_since = updated_at, email_index =
        address_index(nullif(CAST(convert_from(contact, 'UTF8') AS jsonb) ->> 'email', ''))
       WHERE key_id IS NULL""",
)

_RETURNS = (
    """CREATE TABLE returns (
        return_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source text NOT NULL,
        external_id text NOT NULL,
        sha256 bytea NOT NULL UNIQUE,
        size integer NOT NULL,
        received_at timestamptz NOT NULL,
        kind text NOT NULL,
        standing text NOT NULL CHECK (standing IN ('applied', 'waiting', 'ignored', 'person')),
        reason text,
        message_id bigint REFERENCES message_keys,
        recipients text[],
        delivered_from text NOT NULL,
        happened_at timestamptz,
        times integer NOT NULL DEFAULT 1,
        handled_at timestamptz NOT NULL,
        handled_by text NOT NULL,
        UNIQUE (source, external_id)
    )""",
    """CREATE INDEX returns_open ON returns (standing, return_id)
        WHERE standing IN ('waiting', 'person')""",
    "CREATE INDEX returns_message ON returns (message_id) WHERE message_id IS NOT NULL",
    """CREATE TABLE return_raws (
        return_id bigint NOT NULL,
        received_at timestamptz NOT NULL,
        raw bytea NOT NULL,
        key_id bigint,
        nonce bytea,
        PRIMARY KEY (return_id, received_at)
    ) PARTITION BY RANGE (received_at)""",
    "CREATE TABLE return_raws_rest PARTITION OF return_raws DEFAULT",
    """CREATE TABLE tracking (
        entry_id bigint GENERATED ALWAYS AS IDENTITY,
        recorded_at timestamptz NOT NULL,
        message_id bigint NOT NULL,
        return_id bigint NOT NULL,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        reason text,
        hard boolean,
        level text,
        status text,
        code smallint,
        forwarded boolean NOT NULL,
        email_index bytea,
        sent_at timestamptz,
        PRIMARY KEY (entry_id, recorded_at)
    ) PARTITION BY RANGE (recorded_at)""",
    "CREATE TABLE tracking_rest PARTITION OF tracking DEFAULT",
    "CREATE INDEX tracking_message ON tracking (message_id)",
    # What counts for an address: bounces that say something about it, and what disproves them.
    """CREATE INDEX tracking_address ON tracking (email_index, sent_at)
        WHERE email_index IS NOT NULL""",
    """CREATE TABLE tracking_replies (
        entry_id bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        reply bytea NOT NULL,
        key_id bigint,
        nonce bytea,
        PRIMARY KEY (entry_id, recorded_at)
    ) PARTITION BY RANGE (recorded_at)""",
    "CREATE TABLE tracking_replies_rest PARTITION OF tracking_replies DEFAULT",
    # How far a mailbox, or the log of what relays answered, has been read.
    """CREATE TABLE return_cursors (
        source text PRIMARY KEY,
        generation bigint NOT NULL,
        position bigint NOT NULL,
        moved_at timestamptz NOT NULL
    )""",
)

_SUPPRESSIONS = (
    """CREATE TABLE suppressions (
        suppression_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email_index bytea NOT NULL,
        reason text NOT NULL,
        detail text,
        score integer NOT NULL CHECK (score > 0),
        since timestamptz NOT NULL,
        until timestamptz CHECK (until > since),
        return_id bigint REFERENCES returns,
        message_id bigint REFERENCES message_keys,
        note text NOT NULL DEFAULT '',
        set_by text NOT NULL,
        lifted_at timestamptz,
        lifted_by text,
        lift_note text
    )""",
    """CREATE UNIQUE INDEX suppressions_in_force ON suppressions (email_index)
        WHERE lifted_at IS NULL""",
    """CREATE TABLE suppression_addresses (
        suppression_id bigint PRIMARY KEY REFERENCES suppressions,
        address bytea NOT NULL,
        key_id bigint,
        nonce bytea
    )""",
)


def upgrade() -> None:
    """Change what is there."""
    for statement in (*_ADDRESSES, *_RETURNS, *_SUPPRESSIONS):
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
