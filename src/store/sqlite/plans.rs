//! Plans to rows and back.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::text::{Shown, Text};
use super::{PART, failpoint, history, outbox};
use crate::plan::{Applied, Domain, Order, Plan, PlanStatus, StepStatus, Transition};
use crate::store::{Driven, Plans, Query, StoreError, Unreadable, now};

/// A plan as it is stored.
pub(super) struct PlanRow {
    pub(super) id: String,
    pub(super) session_id: String,
    pub(super) domain: &'static str,
    status: &'static str,
    in_flight: bool,
    run: bool,
    pub(super) updated_at: i64,
    body: String,
}

impl PlanRow {
    pub(super) fn new(plan: &Plan) -> Result<Self, StoreError> {
        let body = serde_json::to_string(plan).map_err(|error| damaged(&plan.id, error))?;
        Ok(Self {
            id: plan.id.clone(),
            session_id: plan.session_id.clone(),
            domain: plan.domain.as_str(),
            status: plan.status.as_str(),
            in_flight: plan.first(StepStatus::InProgress).is_some(),
            run: plan.run.is_some(),
            updated_at: plan.updated_at.as_millis(),
            body,
        })
    }

    /// Inserts a new plan that needs this set of plugins.
    pub(super) fn insert(
        &self,
        connection: &Connection,
        plugins: Option<i64>,
    ) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO plans
                     (id, session_id, domain, status, in_flight, updated_at, body, run, plugins)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.id,
                self.session_id,
                self.domain,
                self.status,
                self.in_flight,
                self.updated_at,
                self.body,
                self.run,
                plugins
            ])?;
        Ok(())
    }

    pub(super) fn update(&self, connection: &Connection) -> Result<(), StoreError> {
        let changed = connection
            .prepare_cached(
                "UPDATE plans SET status = ?2, in_flight = ?3, updated_at = ?4, body = ?5, run = ?6
                 WHERE id = ?1",
            )?
            .execute(params![
                self.id,
                self.status,
                self.in_flight,
                self.updated_at,
                self.body,
                self.run
            ])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::NotFound)
        }
    }
}

fn damaged(id: &str, error: impl ToString) -> StoreError {
    StoreError::Damaged {
        id: id.to_owned(),
        error: error.to_string(),
    }
}

fn parse(id: &str, body: &Text) -> Result<Plan, StoreError> {
    let body = body.read().map_err(|why| damaged(id, why))?;
    serde_json::from_str(body).map_err(|error| damaged(id, error))
}

pub(super) fn find(connection: &Connection, id: &str) -> Result<Option<Plan>, StoreError> {
    let body: Option<Text> = connection
        .prepare_cached("SELECT body FROM plans WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    body.map(|body| parse(id, &body)).transpose()
}

/// The plans that the host drives to their end, oldest first. One that can't be read is among them:
/// who drives it says so.
pub(super) fn driven(connection: &Connection) -> Result<Vec<Driven>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, body FROM plans WHERE run = 1 ORDER BY seq")?;
    let rows = statement.query_map([], |row| {
        let (Shown(id), body) = (row.get(0)?, row.get(1)?);
        let plan = parse(&id, &body).ok();
        let rests_until = plan.and_then(|plan| plan.rests_until(now()));
        Ok(Driven { id, rests_until })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A part of the plans, those with a step under way as they are in memory. One that can't be read is
/// reported to the operator and told by its id alone: it must not take the others with it.
pub(super) fn part(
    connection: &Connection,
    query: &Query,
    under_way: &[Arc<Plan>],
) -> Result<Plans, StoreError> {
    let rows = rows(connection, query, under_way)?;
    let mut part = Plans::default();
    let (mut bytes, mut seen) = (0_usize, 0_usize);
    for (seq, Shown(id)) in rows.iter().take(query.limit) {
        seen = seen.saturating_add(1);
        part.next = (seen < rows.len()).then_some(*seq);
        let plan = match under_way.iter().find(|plan| plan.id == *id) {
            Some(plan) => {
                bytes = bytes.saturating_add(plan.carried());
                Ok(Arc::clone(plan))
            }
            None => {
                let Some(body) = body(connection, *seq)? else {
                    continue;
                };
                bytes = bytes.saturating_add(body.len());
                parse(id, &body).map(Arc::new)
            }
        };
        match plan {
            Ok(plan) if query.status.is_none_or(|status| plan.status == status) => {
                part.items.push((*seq, Ok(plan)));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!("{error}");
                let (id, error) = (id.clone(), error.to_string());
                part.items.push((*seq, Err(Unreadable { id, error })));
            }
        }
        if bytes >= PART {
            break;
        }
    }
    Ok(part)
}

/// The plans that are asked for, in their order, and one more if there is one.
fn rows(
    connection: &Connection,
    query: &Query,
    under_way: &[Arc<Plan>],
) -> Result<Vec<(i64, Shown)>, StoreError> {
    let mut rows = select(connection, query, Matching::Status(query.status))?;
    // A step's beginning is only in memory, so the disk may have the wrong status of its plan.
    if let Some(status) = query.status {
        for plan in under_way.iter().filter(|plan| plan.status == status) {
            rows.extend(select(connection, query, Matching::Id(&plan.id))?);
        }
    }
    rows.sort_by_key(|row| row.0);
    if query.order == Order::Newest {
        rows.reverse();
    }
    rows.dedup_by_key(|row| row.0);
    rows.truncate(query.limit.saturating_add(1));
    Ok(rows)
}

/// A plan as it is stored, unless it is gone by now.
fn body(connection: &Connection, seq: i64) -> Result<Option<Text>, StoreError> {
    let body = connection
        .prepare_cached("SELECT body FROM plans WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?;
    Ok(body)
}

/// What rows are looked for beside the query's other filters.
enum Matching<'a> {
    Status(Option<PlanStatus>),
    Id(&'a str),
}

/// The rows in the order of the list, and one more if there is one.
fn select(
    connection: &Connection,
    query: &Query,
    matching: Matching<'_>,
) -> Result<Vec<(i64, Shown)>, StoreError> {
    let (status, id) = match matching {
        Matching::Status(status) => (status.map(PlanStatus::as_str), None),
        Matching::Id(id) => (None, Some(id)),
    };
    let domain = query.domain.map(Domain::as_str);
    let (behind, order) = match query.order {
        Order::Newest => ("seq < ?", " ORDER BY seq DESC LIMIT ?"),
        Order::Oldest => ("seq > ?", " ORDER BY seq LIMIT ?"),
    };
    let filters = [
        (behind, query.cursor.as_ref().map(as_sql)),
        ("domain = ?", domain.as_ref().map(as_sql)),
        ("session_id = ?", query.session_id.as_ref().map(as_sql)),
        ("status = ?", status.as_ref().map(as_sql)),
        ("id = ?", id.as_ref().map(as_sql)),
    ];
    let mut sql = "SELECT seq, id FROM plans WHERE 1 = 1".to_owned();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    for (condition, value) in filters {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(order);
    let limit = i64::try_from(query.limit)
        .unwrap_or(i64::MAX)
        .saturating_add(1);
    values.push(&limit);
    let rows = connection
        .prepare_cached(&sql)?
        .query_map(values.as_slice(), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

fn as_sql<T: ToSql>(value: &T) -> &dyn ToSql {
    value
}

/// Settles the plans that a killed host left with a step under way; how many there were. One that
/// can't be read stays as it is: it must not keep the host from starting.
pub(super) fn interrupt_all(connection: &mut Connection) -> Result<usize, StoreError> {
    let transaction = connection.transaction()?;
    let found: Vec<(i64, Shown)> = transaction
        .prepare("SELECT seq, id FROM plans WHERE in_flight = 1")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Ok(0);
    }
    let mut count = 0;
    for (seq, Shown(id)) in &found {
        let Some(body) = body(&transaction, *seq)? else {
            continue;
        };
        let settled = interrupted(id, &body).and_then(|applied| store(&transaction, &applied));
        match settled {
            Ok(()) => count += 1,
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => tracing::error!("{error}"),
        }
    }
    failpoint::hit("before");
    transaction.commit()?;
    failpoint::hit("after");
    Ok(count)
}

/// Plans that are driven and would wait longer than they were to, because the clock was set back before
/// this start, wait that long from now on.
pub(super) fn shorten_waits(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let driven: Vec<(Shown, Text)> = transaction
        .prepare("SELECT id, body FROM plans WHERE run = 1")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let at = now();
    for (Shown(id), body) in &driven {
        // One that can't be read is named by who drives it.
        let Ok(mut plan) = parse(id, body) else {
            continue;
        };
        if plan.shorten_waits(at) {
            PlanRow::new(&plan)?.update(&transaction)?;
        }
    }
    Ok(transaction.commit()?)
}

fn interrupted(id: &str, body: &Text) -> Result<Applied, StoreError> {
    Ok(parse(id, body)?.apply(&Transition::Interrupt, now())?)
}

fn store(connection: &Connection, applied: &Applied) -> Result<(), StoreError> {
    let row = PlanRow::new(&applied.plan)?;
    row.update(connection)?;
    history::append(connection, &row.id, &applied.entries)?;
    let events = applied
        .events
        .iter()
        .map(|event| event.content(&applied.plan));
    outbox::append(connection, &row, &events.collect::<Vec<_>>())
}
