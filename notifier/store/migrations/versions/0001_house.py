"""The house: keys, growth tables, erasable side tables and the append-only log.

Keys that must be unique (events, messages, cases) are in unpartitioned tables. What grows
(payloads, attempts, documents, shown values, log) is partitioned by month from the start.
Contact data, raw payloads and raw replies are in side tables that can be erased alone; each
has ``key_id`` and ``nonce`` beside the bytes, for encryption with a key per member. The log
holds ids and salted commitments only, and nothing in it can be changed.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REGISTER = """
CREATE TABLE schemes (
    scheme text PRIMARY KEY,
    name text NOT NULL,
    group_no text NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE scheme_fees (
    fee_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scheme text NOT NULL REFERENCES schemes,
    kind text NOT NULL,
    yen integer NOT NULL CHECK (yen >= 0),
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    registered_at timestamptz NOT NULL,
    registered_by text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text
);
CREATE UNIQUE INDEX scheme_fees_in_force ON scheme_fees (scheme, kind, valid_from)
    WHERE withdrawn_at IS NULL;
CREATE TABLE scheme_brands (
    brand_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scheme text NOT NULL REFERENCES schemes,
    valid_from date NOT NULL,
    brand jsonb NOT NULL,
    registered_at timestamptz NOT NULL,
    registered_by text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text
);
CREATE UNIQUE INDEX scheme_brands_in_force ON scheme_brands (scheme, valid_from)
    WHERE withdrawn_at IS NULL;

CREATE TABLE members (
    member_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_no text NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('active', 'left')),
    left_on date,
    left_by bigint,
    language text NOT NULL,
    channel text CHECK (channel IN ('email', 'letter')),
    as_of timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE member_contacts (
    member_id bigint PRIMARY KEY REFERENCES members,
    contact bytea NOT NULL,
    email_index bytea,
    key_id bigint,
    nonce bytea,
    updated_at timestamptz NOT NULL
);
CREATE INDEX member_contacts_email ON member_contacts (email_index) WHERE email_index IS NOT NULL;
CREATE TABLE enrolments (
    member_id bigint NOT NULL REFERENCES members,
    scheme text NOT NULL REFERENCES schemes,
    policies text[] NOT NULL,
    PRIMARY KEY (member_id, scheme)
);

CREATE TABLE staff (
    staff_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL UNIQUE,
    name text NOT NULL,
    email text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE api_keys (
    key_id text PRIMARY KEY,
    source text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamptz
);
CREATE TABLE template_versions (
    digest text PRIMARY KEY,
    notice text NOT NULL,
    language text NOT NULL,
    content bytea NOT NULL,
    registered_at timestamptz NOT NULL
);
"""

FACTS = """
CREATE TABLE events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    version smallint NOT NULL,
    member_no text NOT NULL,
    occurred_at timestamptz NOT NULL,
    digest bytea NOT NULL,
    supersedes text,
    received_at timestamptz NOT NULL,
    actor text NOT NULL,
    decided_at timestamptz,
    UNIQUE (source, id)
);
CREATE INDEX events_undecided ON events (event_id) WHERE decided_at IS NULL;
CREATE INDEX events_member ON events (member_no, event_id);
CREATE INDEX events_supersedes ON events (source, supersedes) WHERE supersedes IS NOT NULL;
CREATE TABLE event_payloads (
    event_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    payload bytea NOT NULL,
    key_id bigint,
    nonce bytea,
    PRIMARY KEY (event_id, received_at)
) PARTITION BY RANGE (received_at);
CREATE TABLE rejected_entries (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL,
    origin_id text NOT NULL,
    payload bytea NOT NULL,
    key_id bigint,
    nonce bytea,
    errors jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    replayed_at timestamptz,
    replayed_by text,
    UNIQUE (origin, origin_id)
);
CREATE TABLE charges (
    source text NOT NULL,
    charge_id text NOT NULL,
    member_id bigint NOT NULL REFERENCES members,
    settled_on date,
    settled_by bigint,
    refundable integer,
    silent_on date,
    PRIMARY KEY (source, charge_id)
);
CREATE INDEX charges_member ON charges (member_id);
CREATE TABLE charge_amounts (
    event_id bigint PRIMARY KEY REFERENCES events,
    source text NOT NULL,
    charge_id text NOT NULL,
    charged_on date NOT NULL,
    premium integer NOT NULL,
    other_fees integer NOT NULL,
    total integer NOT NULL
);
CREATE INDEX charge_amounts_charge ON charge_amounts (source, charge_id, event_id);
CREATE TABLE refunds (
    source text NOT NULL,
    refund_id text NOT NULL,
    charge_id text NOT NULL,
    member_id bigint NOT NULL REFERENCES members,
    scheme text NOT NULL,
    amount integer NOT NULL,
    reason text NOT NULL,
    method text NOT NULL,
    decided_event bigint NOT NULL REFERENCES events,
    completed_event bigint REFERENCES events,
    PRIMARY KEY (source, refund_id)
);
"""

MESSAGES = """
CREATE TABLE cases (
    case_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    source text NOT NULL,
    matter text NOT NULL,
    member_id bigint NOT NULL REFERENCES members,
    scheme text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    generation integer NOT NULL DEFAULT 1,
    last_failed_on date,
    occurred_at timestamptz NOT NULL,
    deadline date,
    recharge_on date,
    facts jsonb NOT NULL DEFAULT '{}',
    next_due_on date,
    opener bigint,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    reason text NOT NULL,
    UNIQUE (kind, source, matter, member_id)
);
CREATE INDEX cases_due ON cases (next_due_on, case_id)
    WHERE state = 'open' AND next_due_on IS NOT NULL;
CREATE INDEX cases_member ON cases (member_id);

CREATE TABLE tasks (
    task_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'open', 'done', 'dropped')),
    owner text NOT NULL,
    count integer NOT NULL DEFAULT 1,
    details jsonb NOT NULL,
    urgent boolean NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    opens_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    escalate_at timestamptz NOT NULL,
    escalation integer NOT NULL DEFAULT 0,
    alerted integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    done_by text,
    note text
);
CREATE UNIQUE INDEX tasks_open ON tasks (kind, key) WHERE state IN ('waiting', 'open');
CREATE INDEX tasks_to_alert ON tasks (created_at) WHERE state = 'open' AND alerted <= escalation;
CREATE INDEX tasks_to_escalate ON tasks (escalate_at) WHERE state = 'open';

CREATE TABLE workers (
    worker_id uuid PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    journal text NOT NULL,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    stopped_at timestamptz
);

CREATE TABLE messages (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token text NOT NULL UNIQUE,
    case_id bigint REFERENCES cases,
    campaign_id bigint,
    task_id bigint REFERENCES tasks,
    member_id bigint REFERENCES members,
    staff_id bigint REFERENCES staff,
    notice text NOT NULL,
    step text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'letter')),
    generation integer NOT NULL,
    scheme text,
    language text NOT NULL,
    lane smallint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    uncertain_policy text NOT NULL,
    template_digest text,
    stopped text,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    worker_id uuid REFERENCES workers,
    fence bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    CHECK (num_nonnulls(case_id, campaign_id, task_id) = 1),
    CHECK (num_nonnulls(member_id, staff_id) = 1),
    UNIQUE NULLS NOT DISTINCT
        (case_id, campaign_id, task_id, member_id, staff_id, notice, step, channel, generation)
);
CREATE INDEX messages_due ON messages (lane, next_attempt_at, message_id)
    WHERE state = 'queued' AND channel = 'email';
CREATE INDEX messages_letters ON messages (message_id)
    WHERE state = 'queued' AND channel = 'letter';
CREATE INDEX messages_expiring ON messages (expires_at) WHERE state IN ('queued', 'claimed');
CREATE INDEX messages_stopped ON messages (message_id) WHERE stopped IS NOT NULL;
CREATE INDEX messages_held ON messages (notice, reason, scheme) WHERE state = 'held';
CREATE INDEX messages_leased ON messages (lease_until) WHERE state IN ('claimed', 'sending');
CREATE INDEX messages_unsettled ON messages (state, next_attempt_at)
    WHERE state IN ('held', 'uncertain');
CREATE INDEX messages_member ON messages (member_id, message_id);
CREATE TABLE message_facts (
    message_id bigint PRIMARY KEY REFERENCES messages,
    facts jsonb NOT NULL,
    shown jsonb NOT NULL
);
CREATE TABLE message_causes (
    message_id bigint NOT NULL REFERENCES messages,
    event_id bigint NOT NULL REFERENCES events,
    PRIMARY KEY (message_id, event_id)
);
CREATE INDEX message_causes_event ON message_causes (event_id);
CREATE TABLE decisions (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES events,
    decided_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('send', 'hold', 'skip')),
    reason text NOT NULL,
    notice text NOT NULL,
    message_id bigint REFERENCES messages,
    details jsonb NOT NULL
);
CREATE INDEX decisions_event ON decisions (event_id);
CREATE INDEX decisions_message ON decisions (message_id) WHERE message_id IS NOT NULL;
"""

GROWTH = """
CREATE TABLE shown_values (
    message_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    yen bigint,
    day date,
    text text,
    PRIMARY KEY (message_id, role, name, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX shown_values_yen ON shown_values (role, name, yen);
CREATE TABLE attempts (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    message_id bigint NOT NULL,
    number integer NOT NULL,
    worker_id uuid NOT NULL,
    fence bigint NOT NULL,
    relay text NOT NULL,
    template_digest text NOT NULL,
    sha256 bytea NOT NULL,
    size integer NOT NULL,
    outcome text,
    command text,
    code smallint,
    enhanced text,
    tls text,
    finished_at timestamptz,
    PRIMARY KEY (attempt_id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX attempts_message ON attempts (message_id);
CREATE TABLE attempt_replies (
    attempt_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    reply bytea NOT NULL,
    key_id bigint,
    nonce bytea,
    PRIMARY KEY (attempt_id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE documents (
    attempt_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    codec text NOT NULL,
    dictionary_id bigint,
    body bytea NOT NULL,
    key_id bigint,
    nonce bytea,
    PRIMARY KEY (attempt_id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE dictionaries (
    dictionary_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    template_digest text NOT NULL UNIQUE,
    dictionary bytea NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE log (
    position bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL,
    actor text NOT NULL,
    message_id bigint,
    event_id bigint,
    attempt_id bigint,
    case_id bigint,
    task_id bigint,
    before text,
    after text,
    reason text,
    commitment bytea,
    PRIMARY KEY (position, at)
) PARTITION BY RANGE (at);
CREATE INDEX log_message ON log (message_id, position) WHERE message_id IS NOT NULL;
CREATE INDEX log_case ON log (case_id, position) WHERE case_id IS NOT NULL;
CREATE TABLE log_openings (
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    salt bytea NOT NULL,
    value bytea NOT NULL,
    key_id bigint,
    nonce bytea,
    PRIMARY KEY (position, at)
) PARTITION BY RANGE (at);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER log_rows BEFORE UPDATE OR DELETE ON log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_whole BEFORE TRUNCATE ON log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

LETTERS = """
CREATE TABLE batches (
    batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('open', 'printed', 'handed_over', 'cancelled')),
    folder text NOT NULL,
    pieces integer NOT NULL DEFAULT 0,
    pages integer NOT NULL DEFAULT 0,
    manifest_sha256 bytea,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    handed_over_at timestamptz,
    handed_over_by text
);
CREATE TABLE pieces (
    message_id bigint NOT NULL REFERENCES messages,
    batch_id bigint NOT NULL REFERENCES batches,
    serial integer NOT NULL,
    file text NOT NULL,
    first_page integer NOT NULL,
    pages integer NOT NULL,
    sha256 bytea NOT NULL,
    press_id text,
    PRIMARY KEY (batch_id, message_id)
);
CREATE INDEX pieces_message ON pieces (message_id);
"""

PARTITIONED = (
    "event_payloads",
    "shown_values",
    "attempts",
    "attempt_replies",
    "documents",
    "log",
    "log_openings",
)


def upgrade() -> None:
    """Create everything."""
    for block in (REGISTER, FACTS, MESSAGES, GROWTH, LETTERS):
        for statement in _statements(block):
            op.execute(statement)
    for table in PARTITIONED:
        # Rows of a month that has no partition of its own yet (and of rehearsals in other years).
        op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")


def _statements(block: str) -> list[str]:
    """Split at semicolons that end a line, keeping a function body whole."""
    parts = block.split("CREATE FUNCTION")
    plain = [s for s in parts[0].split(";\n") if s.strip()]
    for part in parts[1:]:
        body, _, rest = part.partition("END $$;\n")
        plain.append("CREATE FUNCTION" + body + "END $$")
        plain += [s for s in rest.split(";\n") if s.strip()]
    return plain


def downgrade() -> None:
    """The record is never taken away by a migration."""
    raise RuntimeError("the first migration cannot be undone; drop the database instead")
