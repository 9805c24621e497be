//! Removing what is older than it has to be kept: a little at a time, so that plans in flight never wait
//! for it, and a part a day, so that a wrong clock or a wrong setting is noticed before all is gone.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::text::{Number, Shown};
use crate::plan::Timestamp;
use crate::store::{Retention, StoreError, now};

/// Rows that go at a time.
const BATCH: i64 = 500;

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A clock that went ahead by more since it was last looked at is not believed for a day.
const JUMP: i64 = 2 * DAY;

/// Of what there is, this part may go in a day …
const PART: i64 = 10;

/// … but as many may go in any case.
const LEAST_PLANS: i64 = 100;
const LEAST_EVENTS: i64 = 1_000;

/// What a clean-up has removed.
#[derive(Debug, Default)]
pub(super) struct Removed {
    /// The plans, by id.
    pub(super) plans: Vec<String>,
    /// Whether there may be more to remove now.
    pub(super) more: bool,
}

/// What was known after the last clean-up.
struct State {
    seen: i64,
    held_until: i64,
    day: i64,
    events: i64,
    plans: i64,
}

/// Removes a batch of each kind. What is not delivered yet stays, whatever became of its plan. So does
/// the plan that changed last: with it would go the highest number of a change, which would then be given
/// again, unseen by those who watch from there on. Plans in `busy` stay.
pub(super) fn clean_up(
    connection: &Connection,
    retention: Retention,
    busy: &[String],
) -> Result<Removed, StoreError> {
    let now = now().as_millis();
    let mut state = State::read(connection, now)?;
    state.look(now);
    let mut removed = Removed::default();
    if now >= state.held_until {
        state.begin_day(connection, now)?;
        let most = state.events.min(BATCH);
        let events = remove_events(connection, before(now, retention.events), most)?;
        state.events -= events;
        let most = state.plans.min(BATCH);
        removed.plans = remove_plans(connection, now, retention, most, busy)?;
        let plans = count(&removed.plans);
        state.plans -= plans;
        removed.more = events >= BATCH || plans >= BATCH;
    }
    state.write(connection)?;
    Ok(removed)
}

impl State {
    fn read(connection: &Connection, now: i64) -> Result<Self, StoreError> {
        let known = connection
            .prepare_cached("SELECT seen, held_until, day, events, plans FROM clean_up")?
            .query_row([], |row| {
                Ok(Self {
                    seen: row.get(0)?,
                    held_until: row.get(1)?,
                    day: row.get(2)?,
                    events: row.get(3)?,
                    plans: row.get(4)?,
                })
            })
            .optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
        // An earlier host kept no account of it: the newest change is when it was here last.
        let newest: Option<Number> = connection
            .prepare("SELECT max(updated_at) FROM plans")?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            seen: newest.map_or(now, |Number(newest)| newest),
            held_until: 0,
            day: 0,
            events: 0,
            plans: 0,
        })
    }

    /// Looks at the clock, and believes no jump ahead at once.
    fn look(&mut self, now: i64) {
        if now.saturating_sub(self.seen) > JUMP {
            self.held_until = now.saturating_add(DAY);
            tracing::warn!(
                "the clock says {}, and the host last saw {}: if the clock is right, what is old is \
                 removed from {} on; if it is wrong, set it right before",
                Timestamp::from_millis(now),
                Timestamp::from_millis(self.seen),
                Timestamp::from_millis(self.held_until),
            );
        } else if now < self.held_until.saturating_sub(DAY) {
            tracing::info!("the clock was set back, and what is old is removed again");
            self.held_until = 0;
        }
        self.seen = now;
    }

    /// What may go today is a part of what there is when the day begins.
    fn begin_day(&mut self, connection: &Connection, now: i64) -> Result<(), StoreError> {
        let day = now.div_euclid(DAY);
        if day == self.day {
            return Ok(());
        }
        let rows = |table: &str| -> Result<i64, StoreError> {
            let count = format!("SELECT count(*) FROM {table}");
            Ok(connection.query_row(&count, [], |row| row.get(0))?)
        };
        self.day = day;
        self.events = (rows("outbox")? / PART).max(LEAST_EVENTS);
        self.plans = (rows("plans")? / PART).max(LEAST_PLANS);
        Ok(())
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO clean_up (only_one, seen, held_until, day, events, plans)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5)",
            )?
            .execute([
                self.seen,
                self.held_until,
                self.day,
                self.events,
                self.plans,
            ])?;
        Ok(())
    }
}

fn remove_events(connection: &Connection, before: i64, most: i64) -> Result<i64, StoreError> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM outbox WHERE seq IN (
                 SELECT seq FROM outbox WHERE delivered_at IS NOT NULL AND delivered_at < ?1
                 LIMIT ?2)",
        )?
        .execute([before, most])?;
    Ok(i64::try_from(removed).unwrap_or(i64::MAX))
}

/// Those that are over, and those that nobody went on with for long.
fn remove_plans(
    connection: &Connection,
    now: i64,
    retention: Retention,
    most: i64,
    busy: &[String],
) -> Result<Vec<String>, StoreError> {
    let over = "SELECT id FROM plans INDEXED BY plans_finished
                WHERE status IN ('DONE', 'CANCELLED') AND updated_at < ?1
                    AND id <> (SELECT plan_id FROM history ORDER BY seq DESC LIMIT 1)
                LIMIT ?2";
    let idle = "SELECT id FROM plans INDEXED BY plans_idle
                WHERE status NOT IN ('DONE', 'CANCELLED') AND run = 0 AND in_flight = 0
                    AND updated_at < ?1
                    AND id <> (SELECT plan_id FROM history ORDER BY seq DESC LIMIT 1)
                LIMIT ?2";
    let mut removed = Vec::new();
    for (select, age) in [(over, retention.plans), (idle, retention.idle)] {
        let left = most - count(&removed);
        let found: Vec<Shown> = connection
            .prepare_cached(select)?
            .query_map(params![before(now, age), left], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let found = found.into_iter().map(|Shown(id)| id);
        removed.extend(found.filter(|id| !busy.contains(id)));
    }
    for id in &removed {
        for delete in [
            "DELETE FROM history WHERE plan_id = ?1",
            "DELETE FROM plans WHERE id = ?1",
        ] {
            connection.prepare_cached(delete)?.execute([id])?;
        }
    }
    Ok(removed)
}

fn count(ids: &[String]) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

/// The moment that lies this long back, in milliseconds since 1970.
fn before(now: i64, age: Duration) -> i64 {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    now.saturating_sub(age)
}
