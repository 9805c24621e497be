-- Plans as JSON documents, with the columns that lists and clean-up look for.
CREATE TABLE plans (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    session_id  TEXT NOT NULL,
    domain      TEXT NOT NULL,
    status      TEXT NOT NULL,
    -- 1 while the document has a step IN_PROGRESS: what a restart has to look at.
    in_flight   INTEGER NOT NULL,
    -- Milliseconds since 1970, like every moment here.
    updated_at  INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX plans_by_session ON plans (session_id, seq);
CREATE INDEX plans_by_domain ON plans (domain, seq);
CREATE INDEX plans_by_status ON plans (status, seq);
CREATE INDEX plans_in_flight ON plans (seq) WHERE in_flight = 1;
CREATE INDEX plans_finished ON plans (updated_at) WHERE status = 'DONE';

-- Every change of a plan, in order. What is written together is one row, a JSON array.
CREATE TABLE history (
    seq         INTEGER PRIMARY KEY,
    plan_id     TEXT NOT NULL,
    entries     TEXT NOT NULL
) STRICT;
CREATE INDEX history_by_plan ON history (plan_id, seq);

-- Events on their way to the audit log, in order.
CREATE TABLE outbox (
    seq          INTEGER PRIMARY KEY,
    plan_id      TEXT NOT NULL,
    session_id   TEXT NOT NULL,
    domain       TEXT NOT NULL,
    content      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    -- When it arrived; null while it is on its way.
    delivered_at INTEGER,
    -- When it was given up as rejected; a person may send it again.
    parked_at    INTEGER,
    -- How often it was rejected, why last, and when it may be tried again.
    rejections   INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT,
    not_before   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_waiting ON outbox (seq) WHERE delivered_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_rejected ON outbox (plan_id)
    WHERE delivered_at IS NULL AND parked_at IS NULL AND not_before > 0;
CREATE INDEX outbox_parked ON outbox (seq) WHERE parked_at IS NOT NULL;
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
