-- Plugin components that are kept by digest; the bytes are files beside the database.
CREATE TABLE plugins (
    sha256      TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    version     TEXT NOT NULL,
    -- How it came here first, 'embedded' or 'folder', or 'upload' once somebody sent it.
    origin      TEXT NOT NULL,
    added_at    INTEGER NOT NULL
) STRICT;

-- What an operator chose for new plans of a kind; the last row of a kind counts, and a rollback
-- removes it. Null: no new plans.
CREATE TABLE plugin_choices (
    seq         INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    sha256      TEXT REFERENCES plugins (sha256),
    chosen_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX plugin_choices_by_kind ON plugin_choices (kind, seq);
CREATE INDEX plugin_choices_by_sha256 ON plugin_choices (sha256);

-- The components that a plan was created with. Thousands of plans share one such set.
CREATE TABLE plugin_sets (
    id          INTEGER PRIMARY KEY,
    -- Digests, sorted, one a line.
    digests     TEXT NOT NULL UNIQUE,
    -- 1 while all of them are kept, as far as is known.
    checked     INTEGER NOT NULL
) STRICT;
ALTER TABLE plans ADD COLUMN plugins INTEGER REFERENCES plugin_sets (id);
CREATE INDEX plans_open ON plans (plugins) WHERE status NOT IN ('DONE', 'CANCELLED');
