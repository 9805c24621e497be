//! The history of plans: only added to, and removed with its plan.

use std::fmt::Display;

use rusqlite::{Connection, params};

use super::PART;
use super::text::{Shown, Text};
use crate::plan::HistoryEntry;
use crate::store::{Change, History, Position, StoreError};

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

/// The changes of a plan behind this place, then those that are not on disk: so many at the most. What
/// can't be read is reported to the operator and told.
pub(super) fn part(
    connection: &Connection,
    plan_id: &str,
    after: Position,
    most: usize,
    unwritten: Vec<HistoryEntry>,
) -> Result<History, StoreError> {
    let mut telling = Telling {
        part: History::default(),
        at: after,
        most,
    };
    let mut statement = connection.prepare_cached(
        "SELECT seq, entries FROM history WHERE plan_id = ?1 AND seq > ?2 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![plan_id, after.row])?;
    let mut bytes = 0_usize;
    while let Some(row) = rows.next()? {
        let behind = Position {
            row: row.get(0)?,
            entries: 0,
        };
        if bytes >= PART || telling.is_full() {
            return Ok(telling.goes_on());
        }
        let text: Text = row.get(1)?;
        bytes = bytes.saturating_add(text.len());
        match parse(plan_id, &text) {
            Ok(entries) => {
                if !telling.tells(entries, Some(behind)) {
                    return Ok(telling.goes_on());
                }
            }
            Err(error) => {
                tracing::error!("{error}");
                telling.tell(behind, Err(error.to_string()));
            }
        }
    }
    if telling.tells(unwritten, None) {
        check_there(connection, plan_id, &telling.part)?;
        return Ok(telling.part);
    }
    Ok(telling.goes_on())
}

/// That there is such a plan, where nothing of it was found.
fn check_there(connection: &Connection, plan_id: &str, found: &History) -> Result<(), StoreError> {
    if !found.items.is_empty() {
        return Ok(());
    }
    let is_there = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM history WHERE plan_id = ?1)")?
        .query_row([plan_id], |row| row.get(0))?;
    if is_there {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}

/// A part of a history that is being told.
struct Telling {
    part: History,
    /// Where it is.
    at: Position,
    most: usize,
}

impl Telling {
    fn is_full(&self) -> bool {
        self.part.items.len() >= self.most
    }

    fn tell(&mut self, behind: Position, item: Result<HistoryEntry, String>) {
        self.at = behind;
        self.part.items.push((behind, item));
    }

    /// Tells of one row what was not told before; whether there was room for all of it. Behind it
    /// there is this place, if it is on disk.
    fn tells(&mut self, entries: Vec<HistoryEntry>, behind: Option<Position>) -> bool {
        let (row, count) = (self.at.row, entries.len());
        for (index, entry) in entries.into_iter().enumerate().skip(self.at.entries) {
            if self.is_full() {
                return false;
            }
            let told = index.saturating_add(1);
            let within = Position { row, entries: told };
            let is_last = told == count;
            self.tell(behind.filter(|_| is_last).unwrap_or(within), Ok(entry));
        }
        if let Some(behind) = behind {
            self.at = behind;
        }
        true
    }

    fn goes_on(self) -> History {
        History {
            next: Some(self.at),
            ..self.part
        }
    }
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
