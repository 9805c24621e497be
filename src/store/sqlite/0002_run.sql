-- 1 while the host drives the plan to its end: what a restart goes on with.
ALTER TABLE plans ADD COLUMN run INTEGER NOT NULL DEFAULT 0;
CREATE INDEX plans_run ON plans (seq) WHERE run = 1;

-- A cancelled plan is over as well, and is kept as long.
DROP INDEX plans_finished;
CREATE INDEX plans_finished ON plans (updated_at) WHERE status IN ('DONE', 'CANCELLED');
