-- Which database this is, and how many times something was committed to it: one row. The file
-- mesh.mark beside it says the same, so that an older copy in its place is noticed.
CREATE TABLE mark (
    only_one    INTEGER PRIMARY KEY CHECK (only_one = 1),
    id          TEXT NOT NULL,
    commits     INTEGER NOT NULL
) STRICT;
INSERT INTO mark VALUES (1, lower(hex(randomblob(16))), 0);
-- "CMSH": a database of codex-mesh.
PRAGMA application_id = 1129141064;
