//! Removing what is older than it has to be kept, a little at a time, so that plans in flight
//! never wait for it.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::text::Shown;
use crate::store::{Retention, StoreError, now};

/// Rows that go at a time.
const BATCH: u32 = 500;

/// Removes a batch of each kind; whether there may be more. What is not delivered yet stays,
/// whatever became of its plan. So does the plan that changed last: with it would go the highest
/// number of a change, which would then be given again, unseen by those who watch from there on.
pub(super) fn clean_up(connection: &Connection, retention: Retention) -> Result<bool, StoreError> {
    let events = connection
        .prepare_cached(
            "DELETE FROM outbox WHERE seq IN (
                 SELECT seq FROM outbox WHERE delivered_at IS NOT NULL AND delivered_at < ?1
                 LIMIT ?2)",
        )?
        .execute(params![before(retention.events), BATCH])?;
    let plans: Vec<Shown> = connection
        .prepare_cached(
            "SELECT id FROM plans INDEXED BY plans_finished
             WHERE status IN ('DONE', 'CANCELLED') AND updated_at < ?1
                 AND id <> (SELECT plan_id FROM history ORDER BY seq DESC LIMIT 1)
             LIMIT ?2",
        )?
        .query_map(params![before(retention.plans), BATCH], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for Shown(id) in &plans {
        connection
            .prepare_cached("DELETE FROM history WHERE plan_id = ?1")?
            .execute([id])?;
        connection
            .prepare_cached("DELETE FROM plans WHERE id = ?1")?
            .execute([id])?;
    }
    let full = usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(events >= full || plans.len() >= full)
}

/// The moment that lies this long back, in milliseconds since 1970.
fn before(age: Duration) -> i64 {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    now().as_millis().saturating_sub(age)
}
