"""Telling others: webhooks and their calls; inquiries of members."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WEBHOOKS = (
    # ``position``: up to here the log has been turned into calls, so that a crash misses nothing.
    """CREATE TABLE webhooks (
        webhook_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        url text NOT NULL,
        source text,
        states text[] NOT NULL,
        state text NOT NULL CHECK (state IN ('enabled', 'disabled')),
        reason text NOT NULL,
        position bigint NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        updated_at timestamptz NOT NULL
    )""",
    """CREATE TABLE webhook_secrets (
        secret_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        webhook_id bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
        kind text NOT NULL CHECK (kind IN ('hmac', 'ed25519')),
        secret bytea NOT NULL,
        key_id bigint,
        nonce bytea,
        created_at timestamptz NOT NULL
    )""",
    "CREATE INDEX webhook_secrets_webhook ON webhook_secrets (webhook_id)",
    # A call and its exact bytes stand before it is made, and are the same each time it is.
    """CREATE TABLE webhook_calls (
        call_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        webhook_id bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
        public_id text NOT NULL UNIQUE,
        type text NOT NULL,
        items integer NOT NULL,
        position bigint NOT NULL,
        payload bytea NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'done', 'dead')),
        attempts integer NOT NULL DEFAULT 0,
        made_at timestamptz NOT NULL,
        give_up_at timestamptz NOT NULL,
        next_attempt_at timestamptz NOT NULL,
        finished_at timestamptz,
        code smallint,
        outcome text
    )""",
    """CREATE INDEX webhook_calls_due ON webhook_calls (webhook_id, next_attempt_at)
        WHERE state = 'waiting'""",
    "CREATE INDEX webhook_calls_of ON webhook_calls (webhook_id, call_id)",
    "CREATE INDEX webhook_calls_done ON webhook_calls (finished_at) WHERE state = 'done'",
)

_INQUIRIES = (
    # After ISO 10002: who asked what, how, and whether it was answered. Words are in a side table.
    """CREATE TABLE inquiries (
        inquiry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        topic text NOT NULL,
        channel text NOT NULL,
        state text NOT NULL CHECK (state IN ('open', 'answered')),
        received_at timestamptz NOT NULL,
        received_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        answered_at timestamptz,
        answered_by text,
        message_id bigint REFERENCES message_keys,
        member_id bigint REFERENCES members,
        campaign_id bigint,
        mailing text,
        batch_id bigint REFERENCES batches,
        CHECK (num_nonnulls(message_id, member_id, campaign_id, mailing, batch_id) > 0),
        CHECK ((state = 'answered') = (answered_at IS NOT NULL))
    )""",
    "CREATE INDEX inquiries_open ON inquiries (received_at) WHERE state = 'open'",
    "CREATE INDEX inquiries_message ON inquiries (message_id) WHERE message_id IS NOT NULL",
    "CREATE INDEX inquiries_member ON inquiries (member_id) WHERE member_id IS NOT NULL",
    "CREATE INDEX inquiries_mailing ON inquiries (mailing) WHERE mailing IS NOT NULL",
    "CREATE INDEX inquiries_campaign ON inquiries (campaign_id) WHERE campaign_id IS NOT NULL",
    "CREATE INDEX inquiries_batch ON inquiries (batch_id) WHERE batch_id IS NOT NULL",
    """CREATE TABLE inquiry_texts (
        inquiry_id bigint NOT NULL REFERENCES inquiries,
        part text NOT NULL CHECK (part IN ('inquiry', 'answer')),
        text bytea NOT NULL,
        key_id bigint,
        nonce bytea,
        PRIMARY KEY (inquiry_id, part)
    )""",
    # Figures of a mailing, and of a campaign.
    "CREATE INDEX cases_matter ON cases (matter, case_id) WHERE kind = 'mailing'",
    """CREATE INDEX message_keys_campaign ON message_keys (campaign_id)
        WHERE campaign_id IS NOT NULL""",
)


def upgrade() -> None:
    """Add what is new."""
    for statement in (*_WEBHOOKS, *_INQUIRIES):
        op.execute(statement)


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("this migration cannot be undone; restore the database instead")
