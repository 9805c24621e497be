//! The statements: plans and events to rows and back.

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::connection::now;
use crate::plan::{Applied, Domain, Plan, PlanStatus, StepStatus, Transition};
use crate::store::{OutboxEntry, Page, Query, StoreError};

/// A plan as it is stored.
pub(super) struct PlanRow {
    id: String,
    session_id: String,
    domain: &'static str,
    status: &'static str,
    in_flight: bool,
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
            body,
        })
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO plans (id, session_id, domain, status, in_flight, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.id,
                self.session_id,
                self.domain,
                self.status,
                self.in_flight,
                self.body
            ])?;
        Ok(())
    }

    pub(super) fn update(&self, connection: &Connection) -> Result<(), StoreError> {
        let changed = connection
            .prepare_cached(
                "UPDATE plans SET status = ?2, in_flight = ?3, body = ?4 WHERE id = ?1",
            )?
            .execute(params![self.id, self.status, self.in_flight, self.body])?;
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

pub(super) fn plan(connection: &Connection, id: &str) -> Result<Option<Plan>, StoreError> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM plans WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    body.map(|body| parse(id, &body)).transpose()
}

/// A page of plans. One that can't be read is reported to the operator and left out: it must not
/// take the others with it.
pub(super) fn plans(connection: &Connection, query: &Query) -> Result<Page, StoreError> {
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
    let one_more = i64::try_from(query.limit)
        .unwrap_or(i64::MAX)
        .saturating_add(1);
    values.push(&one_more);

    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let (mut plans, mut last, mut more) = (Vec::new(), None, false);
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        if seen == query.limit {
            more = true;
            break;
        }
        seen += 1;
        last = Some(row.get(0)?);
        let (id, body) = (row.get_ref(1)?, row.get_ref(2)?);
        match parse(
            id.as_str().unwrap_or_default(),
            body.as_str().unwrap_or_default(),
        ) {
            Ok(plan) => plans.push(plan),
            Err(error) => tracing::error!("{error}"),
        }
    }
    Ok(Page {
        plans,
        next_cursor: last.filter(|_| more),
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
        PlanRow::new(&applied.plan)?.update(&transaction)?;
        append_events(&transaction, &applied)?;
    }
    transaction.commit()?;
    Ok(found.len())
}

pub(super) fn append_events(connection: &Connection, applied: &Applied) -> Result<(), StoreError> {
    let plan = &applied.plan;
    for event in &applied.events {
        connection
            .prepare_cached(
                "INSERT INTO outbox (plan_id, session_id, domain, content) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                plan.id,
                plan.session_id,
                plan.domain.as_str(),
                event.content(plan)
            ])?;
    }
    Ok(())
}

pub(super) fn undelivered(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let entries = connection
        .prepare_cached(
            "SELECT seq, plan_id, session_id, domain, content FROM outbox ORDER BY seq LIMIT ?1",
        )?
        .query_map([limit], |row| {
            Ok(OutboxEntry {
                id: row.get(0)?,
                plan_id: row.get(1)?,
                session_id: row.get(2)?,
                domain: row.get(3)?,
                content: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(entries)
}

pub(super) fn delete_events(connection: &Connection, entries: &[i64]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?;
    for entry in entries {
        statement.execute([entry])?;
    }
    Ok(())
}
