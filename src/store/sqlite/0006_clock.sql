-- When the clean-up last looked at the clock, until when it removes nothing because the clock was ahead,
-- and how much it may still remove on this day: one row, made by the first clean-up.
CREATE TABLE IF NOT EXISTS clean_up (
    only_one    INTEGER PRIMARY KEY CHECK (only_one = 1),
    seen        INTEGER NOT NULL,
    held_until  INTEGER NOT NULL DEFAULT 0,
    -- In days since 1970.
    day         INTEGER NOT NULL DEFAULT 0,
    events      INTEGER NOT NULL DEFAULT 0,
    plans       INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Plans that nobody goes on with.
CREATE INDEX IF NOT EXISTS plans_idle ON plans (updated_at)
    WHERE status NOT IN ('DONE', 'CANCELLED') AND run = 0 AND in_flight = 0;
