//! Which plugin components are kept, which were chosen for new plans, and which open plans need.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::text::Shown;
use crate::plan::Plan;
use crate::store::{PluginChoice, PluginRecord, StoreError, now};

/// The plans that may still run a step.
const OPEN: &str = "status NOT IN ('DONE', 'CANCELLED')";

pub(super) fn all(connection: &Connection) -> Result<Vec<PluginRecord>, StoreError> {
    let records = connection
        .prepare_cached(
            "SELECT sha256, kind, version, origin FROM plugins ORDER BY added_at, sha256",
        )?
        .query_map([], |row| {
            let text = |index| row.get(index).map(|Shown(text)| text);
            Ok(PluginRecord {
                sha256: text(0)?,
                kind: text(1)?,
                version: text(2)?,
                origin: text(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(records)
}

pub(super) fn add(connection: &Connection, record: &PluginRecord) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO plugins (sha256, kind, version, origin, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (sha256) DO UPDATE SET origin = excluded.origin
             WHERE excluded.origin = 'embedded'
                OR (excluded.origin = 'upload' AND origin <> 'embedded')",
        )?
        .execute(params![
            record.sha256,
            record.kind,
            record.version,
            record.origin,
            now().as_millis()
        ])?;
    Ok(())
}

/// Removes a record unless an open plan or a choice needs it; whether it is gone.
pub(super) fn remove(connection: &Connection, sha256: &str) -> Result<bool, StoreError> {
    let needed = open_plans(connection)?.contains_key(sha256);
    let chosen: Option<i64> = connection
        .prepare_cached("SELECT seq FROM plugin_choices WHERE sha256 = ?1 LIMIT 1")?
        .query_row([sha256], |row| row.get(0))
        .optional()?;
    if needed || chosen.is_some() {
        return Ok(false);
    }
    connection
        .prepare_cached("DELETE FROM plugins WHERE sha256 = ?1")?
        .execute([sha256])?;
    // A set that names it stays for the plans that had it, and is checked before a new plan gets it.
    connection
        .prepare_cached("UPDATE plugin_sets SET checked = 0 WHERE instr(digests, ?1)")?
        .execute([sha256])?;
    Ok(true)
}

pub(super) fn choices(connection: &Connection) -> Result<Vec<PluginChoice>, StoreError> {
    let choices = connection
        .prepare_cached("SELECT kind, sha256 FROM plugin_choices ORDER BY seq")?
        .query_map([], |row| {
            let sha256: Option<Shown> = row.get(1)?;
            Ok(PluginChoice {
                kind: row.get(0).map(|Shown(kind)| kind)?,
                sha256: sha256.map(|Shown(sha256)| sha256),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(choices)
}

/// Adds a choice; of those of the kind only the last `most` stay.
pub(super) fn choose(
    connection: &Connection,
    choice: &PluginChoice,
    most: usize,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO plugin_choices (kind, sha256, chosen_at) VALUES (?1, ?2, ?3)")?
        .execute(params![choice.kind, choice.sha256, now().as_millis()])?;
    connection
        .prepare_cached(
            "DELETE FROM plugin_choices WHERE kind = ?1 AND seq NOT IN (
                 SELECT seq FROM plugin_choices WHERE kind = ?1 ORDER BY seq DESC LIMIT ?2)",
        )?
        .execute(params![
            choice.kind,
            i64::try_from(most).unwrap_or(i64::MAX)
        ])?;
    Ok(())
}

/// Takes back the last choice for a kind; whether there was one.
pub(super) fn take_back(connection: &Connection, kind: &str) -> Result<bool, StoreError> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM plugin_choices
             WHERE seq = (SELECT max(seq) FROM plugin_choices WHERE kind = ?1)",
        )?
        .execute([kind])?;
    Ok(removed > 0)
}

/// How many open plans need each component, by digest.
pub(super) fn open_plans(connection: &Connection) -> Result<BTreeMap<String, i64>, StoreError> {
    let sets: Vec<(Shown, i64)> = connection
        .prepare_cached(&format!(
            "SELECT s.digests, count(*) FROM plans p JOIN plugin_sets s ON s.id = p.plugins
             WHERE p.{OPEN} GROUP BY s.id"
        ))?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut plans = BTreeMap::new();
    for (Shown(digests), count) in sets {
        for digest in digests.lines() {
            *plans.entry(digest.to_owned()).or_insert(0) += count;
        }
    }
    Ok(plans)
}

/// The set of components that a new plan needs; none if its steps name none.
pub(super) fn set_of(connection: &Connection, plan: &Plan) -> Result<Option<i64>, StoreError> {
    let digests: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter_map(|step| step.plugin.as_deref())
        .collect();
    if digests.is_empty() {
        return Ok(None);
    }
    let text = digests.iter().copied().collect::<Vec<_>>().join("\n");
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM plugin_sets WHERE digests = ?1 AND checked = 1")?
        .query_row([&text], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    // Between choosing its components and this, one of them may have been removed.
    for digest in digests {
        let kept: Option<i64> = connection
            .prepare_cached("SELECT 1 FROM plugins WHERE sha256 = ?1")?
            .query_row([digest], |row| row.get(0))
            .optional()?;
        if kept.is_none() {
            return Err(StoreError::PluginGone(digest.to_owned()));
        }
    }
    let id = connection
        .prepare_cached(
            "INSERT INTO plugin_sets (digests, checked) VALUES (?1, 1)
             ON CONFLICT (digests) DO UPDATE SET checked = 1 RETURNING id",
        )?
        .query_row([&text], |row| row.get(0))?;
    Ok(Some(id))
}
