//! The history of plans: only added to, and removed with its plan.

use rusqlite::{Connection, params};

use crate::plan::HistoryEntry;
use crate::store::StoreError;

pub(super) fn append(
    connection: &Connection,
    plan_id: &str,
    entries: &[HistoryEntry],
) -> Result<(), StoreError> {
    let text = serde_json::to_string(entries).map_err(|error| damaged(plan_id, &error))?;
    connection
        .prepare_cached("INSERT INTO history (plan_id, entries) VALUES (?1, ?2)")?
        .execute(params![plan_id, text])?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    plan_id: &str,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT entries FROM history WHERE plan_id = ?1 ORDER BY seq")?;
    let mut rows = statement.query([plan_id])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let written: Vec<HistoryEntry> =
            serde_json::from_str(&text).map_err(|error| damaged(plan_id, &error))?;
        entries.extend(written);
    }
    Ok(entries)
}

fn damaged(plan_id: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged {
        id: plan_id.to_owned(),
        error: format!("its history: {error}"),
    }
}
