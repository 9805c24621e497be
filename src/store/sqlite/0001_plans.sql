-- Plans as JSON documents, with the columns that lists filter by.
CREATE TABLE plans (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    session_id  TEXT NOT NULL,
    domain      TEXT NOT NULL,
    status      TEXT NOT NULL,
    -- 1 while the document has a step IN_PROGRESS: what a restart has to look at.
    in_flight   INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX plans_by_session ON plans (session_id, seq);
CREATE INDEX plans_by_domain ON plans (domain, seq);
CREATE INDEX plans_by_status ON plans (status, seq);
CREATE INDEX plans_in_flight ON plans (seq) WHERE in_flight = 1;

-- Events on their way to the audit log, in order.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    plan_id     TEXT NOT NULL,
    session_id  TEXT NOT NULL,
    domain      TEXT NOT NULL,
    content     TEXT NOT NULL
) STRICT;
