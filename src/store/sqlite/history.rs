//! The history of plans: only added to, and removed with its plan.

use std::fmt::Display;

use rusqlite::{Connection, params};

use super::text::{Shown, Text};
use crate::plan::HistoryEntry;
use crate::store::{Change, History, StoreError};

/// Adds what happened; its number.
pub(super) fn append(
    connection: &Connection,
    plan_id: &str,
    entries: &[HistoryEntry],
) -> Result<i64, StoreError> {
    let text = serde_json::to_string(entries).map_err(|error| damaged(plan_id, error))?;
    let seq = connection
        .prepare_cached("INSERT INTO history (plan_id, entries) VALUES (?1, ?2)")?
        .insert(params![plan_id, text])?;
    Ok(seq)
}

/// Changes after the one with this number, of one plan or of all. One that can't be read is
/// reported to the operator and comes empty: it must not take the others with it.
pub(super) fn after(
    connection: &Connection,
    after: i64,
    plan_id: Option<&str>,
    limit: usize,
) -> Result<Vec<Change>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = match plan_id {
        Some(_) => {
            "SELECT seq, plan_id, entries FROM history
             WHERE plan_id = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2"
        }
        None => {
            "SELECT seq, plan_id, entries FROM history
             WHERE seq > ?1 AND ?3 IS NULL ORDER BY seq LIMIT ?2"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![after, limit, plan_id])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let (Shown(plan_id), text) = (row.get(1)?, row.get(2)?);
        let mut entries = parse(&plan_id, &text).unwrap_or_else(|error| {
            tracing::error!("{error}");
            Vec::new()
        });
        // A page of results could be of any size.
        entries.iter_mut().for_each(|entry| entry.result = None);
        changes.push(Change {
            seq: row.get(0)?,
            plan_id,
            entries,
        });
    }
    Ok(changes)
}

/// Every change of a plan, oldest first. What can't be read is reported to the operator and told.
pub(super) fn find(connection: &Connection, plan_id: &str) -> Result<History, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT entries FROM history WHERE plan_id = ?1 ORDER BY seq")?;
    let mut rows = statement.query([plan_id])?;
    let mut history = History::default();
    while let Some(row) = rows.next()? {
        match parse(plan_id, &row.get(0)?) {
            Ok(entries) => history.entries.extend(entries),
            Err(error) => {
                tracing::error!("{error}");
                history.unreadable.push(error.to_string());
            }
        }
    }
    Ok(history)
}

/// The number of the newest change; 0 if there is none.
pub(super) fn newest(connection: &Connection) -> Result<i64, StoreError> {
    let newest = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM history")?
        .query_row([], |row| row.get(0))?;
    Ok(newest)
}

fn parse(plan_id: &str, text: &Text) -> Result<Vec<HistoryEntry>, StoreError> {
    let text = text.read().map_err(|why| damaged(plan_id, why))?;
    serde_json::from_str(text).map_err(|error| damaged(plan_id, error))
}

fn damaged(plan_id: &str, error: impl Display) -> StoreError {
    StoreError::Damaged {
        id: plan_id.to_owned(),
        error: format!("its history: {error}"),
    }
}
