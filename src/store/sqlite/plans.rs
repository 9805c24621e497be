//! Plans to rows and back.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{history, outbox};
use crate::plan::{Domain, Plan, PlanStatus, StepStatus, Transition};
use crate::store::{Page, Query, StoreError, now};

/// A plan as it is stored.
pub(super) struct PlanRow {
    pub(super) id: String,
    pub(super) session_id: String,
    pub(super) domain: &'static str,
    status: &'static str,
    in_flight: bool,
    pub(super) updated_at: i64,
    body: String,
}

impl PlanRow {
    pub(super) fn new(plan: &Plan) -> Result<Self, StoreError> {
        let body = serde_json::to_string(plan).map_err(|error| damaged(&plan.id, &error))?;
        Ok(Self {
            id: plan.id.clone(),
            session_id: plan.session_id.clone(),
            domain: plan.domain.as_str(),
            status: plan.status.as_str(),
            in_flight: plan.first(StepStatus::InProgress).is_some(),
            updated_at: plan.updated_at.as_millis(),
            body,
        })
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO plans (id, session_id, domain, status, in_flight, updated_at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                self.id,
                self.session_id,
                self.domain,
                self.status,
                self.in_flight,
                self.updated_at,
                self.body
            ])?;
        Ok(())
    }

    pub(super) fn update(&self, connection: &Connection) -> Result<(), StoreError> {
        let changed = connection
            .prepare_cached(
                "UPDATE plans SET status = ?2, in_flight = ?3, updated_at = ?4, body = ?5
                 WHERE id = ?1",
            )?
            .execute(params![
                self.id,
                self.status,
                self.in_flight,
                self.updated_at,
                self.body
            ])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::NotFound)
        }
    }
}

fn damaged(id: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged {
        id: id.to_owned(),
        error: error.to_string(),
    }
}

fn parse(id: &str, body: &str) -> Result<Plan, StoreError> {
    serde_json::from_str(body).map_err(|error| damaged(id, &error))
}

pub(super) fn find(connection: &Connection, id: &str) -> Result<Option<Plan>, StoreError> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM plans WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    body.map(|body| parse(id, &body)).transpose()
}

/// A page of plans. One that can't be read is reported to the operator and left out: it must not
/// take the others with it.
pub(super) fn page(connection: &Connection, query: &Query) -> Result<Page, StoreError> {
    let (domain, status) = (
        query.domain.map(Domain::as_str),
        query.status.map(PlanStatus::as_str),
    );
    let filters: [(&str, Option<&dyn ToSql>); 4] = [
        (
            "seq < ?",
            query.cursor.as_ref().map(|value| value as &dyn ToSql),
        ),
        (
            "domain = ?",
            domain.as_ref().map(|value| value as &dyn ToSql),
        ),
        (
            "session_id = ?",
            query.session_id.as_ref().map(|value| value as &dyn ToSql),
        ),
        (
            "status = ?",
            status.as_ref().map(|value| value as &dyn ToSql),
        ),
    ];
    let mut sql = "SELECT seq, id, body FROM plans WHERE 1 = 1".to_owned();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    for (condition, value) in filters {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(" ORDER BY seq DESC LIMIT ?");
    // One more than asked for tells whether there is another page.
    let limit = i64::try_from(query.limit)
        .unwrap_or(i64::MAX)
        .saturating_add(1);
    values.push(&limit);

    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let (mut plans, mut last, mut seen) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        if seen == query.limit {
            return Ok(Page {
                plans,
                next_cursor: last,
            });
        }
        seen += 1;
        last = Some(row.get(0)?);
        let (id, body) = (row.get_ref(1)?, row.get_ref(2)?);
        match parse(
            id.as_str().unwrap_or_default(),
            body.as_str().unwrap_or_default(),
        ) {
            Ok(plan) => plans.push(Arc::new(plan)),
            Err(error) => tracing::error!("{error}"),
        }
    }
    Ok(Page {
        plans,
        next_cursor: None,
    })
}

/// Settles the plans that a killed host left with a step under way; how many there were.
pub(super) fn interrupt_all(connection: &mut Connection) -> Result<usize, StoreError> {
    let transaction = connection.transaction()?;
    let found: Vec<(String, String)> = transaction
        .prepare("SELECT id, body FROM plans WHERE in_flight = 1")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, body) in &found {
        let applied = parse(id, body)?.apply(&Transition::Interrupt, now())?;
        let row = PlanRow::new(&applied.plan)?;
        row.update(&transaction)?;
        history::append(&transaction, id, std::slice::from_ref(&applied.entry))?;
        let events = applied
            .events
            .iter()
            .map(|event| event.content(&applied.plan));
        outbox::append(&transaction, &row, &events.collect::<Vec<_>>())?;
    }
    transaction.commit()?;
    Ok(found.len())
}
