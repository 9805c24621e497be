//! Events on their way to the audit log.

use rusqlite::{Connection, params};

use super::plans::PlanRow;
use super::text::{Number, Shown};
use crate::plan::Timestamp;
use crate::store::{Backlog, Delivery, DeliveryOutcome, OutboxEntry, ParkedEvent, StoreError, now};

pub(super) fn append(
    connection: &Connection,
    plan: &PlanRow,
    contents: &[String],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO outbox (plan_id, session_id, domain, content, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for content in contents {
        let values = params![
            plan.id,
            plan.session_id,
            plan.domain,
            content,
            plan.updated_at
        ];
        statement.execute(values)?;
    }
    Ok(())
}

pub(super) fn deliverable(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let entries = connection
        .prepare_cached(
            "SELECT seq, plan_id, session_id, domain, content, rejections FROM outbox
             WHERE delivered_at IS NULL AND parked_at IS NULL AND plan_id NOT IN (
                 SELECT plan_id FROM outbox
                 WHERE delivered_at IS NULL AND parked_at IS NULL AND not_before > 0
                     AND not_before > ?1)
             ORDER BY seq LIMIT ?2",
        )?
        .query_map([now().as_millis(), limit], |row| {
            let text = |index| row.get(index).map(|Shown(text)| text);
            Ok(OutboxEntry {
                id: row.get(0)?,
                plan_id: text(1)?,
                session_id: text(2)?,
                domain: text(3)?,
                content: text(4)?,
                rejections: row.get(5).map(count)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(entries)
}

fn count(Number(number): Number) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn moment(Number(millis): Number) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) fn settle(connection: &Connection, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let at = now().as_millis();
    for (first, last) in runs(deliveries) {
        connection
            .prepare_cached("UPDATE outbox SET delivered_at = ?3 WHERE seq BETWEEN ?1 AND ?2")?
            .execute([first, last, at])?;
    }
    for Delivery { id, outcome } in deliveries {
        match outcome {
            DeliveryOutcome::Delivered => 0,
            DeliveryOutcome::Rejected { error, again_after } => {
                let after = i64::try_from(again_after.as_millis()).unwrap_or(i64::MAX);
                connection
                    .prepare_cached(
                        "UPDATE outbox SET rejections = rejections + 1, last_error = ?2,
                             not_before = ?3
                         WHERE seq = ?1",
                    )?
                    .execute(params![id, error, at.saturating_add(after)])?
            }
            DeliveryOutcome::Parked { error } => connection
                .prepare_cached(
                    "UPDATE outbox SET rejections = rejections + 1, last_error = ?2, parked_at = ?3
                     WHERE seq = ?1",
                )?
                .execute(params![id, error, at])?,
        };
    }
    Ok(())
}

/// No event waits at a start: had the clock been set back, it would wait for longer than it was to.
pub(super) fn end_waits(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare(
            "UPDATE outbox SET not_before = ?1
             WHERE delivered_at IS NULL AND parked_at IS NULL AND not_before > 0
                 AND not_before > ?1",
        )?
        .execute([now().as_millis()])?;
    Ok(())
}

/// The events that arrived, as runs without a gap: nearly all of them do, and a run is one
/// statement.
fn runs(deliveries: &[Delivery]) -> Vec<(i64, i64)> {
    let delivered = deliveries
        .iter()
        .filter(|delivery| delivery.outcome == DeliveryOutcome::Delivered);
    let mut ids: Vec<i64> = delivered.map(|delivery| delivery.id).collect();
    ids.sort_unstable();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => runs.push((id, id)),
        }
    }
    runs
}

pub(super) fn backlog(connection: &Connection) -> Result<Backlog, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND parked_at IS NULL),
                (SELECT created_at FROM outbox WHERE delivered_at IS NULL AND parked_at IS NULL
                 ORDER BY seq LIMIT 1),
                (SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL)",
    )?;
    let backlog = statement.query_row([], |row| {
        let oldest: Option<Number> = row.get(1)?;
        Ok(Backlog {
            waiting: row.get(0)?,
            oldest: oldest.map(moment),
            parked: row.get(2)?,
        })
    })?;
    Ok(backlog)
}

pub(super) fn parked(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<ParkedEvent>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let events = connection
        .prepare_cached(
            "SELECT seq, plan_id, created_at, parked_at, rejections, last_error
             FROM outbox WHERE parked_at IS NOT NULL ORDER BY seq LIMIT ?1",
        )?
        .query_map([limit], |row| {
            let text = |index| row.get(index).map(|Shown(text)| text);
            Ok(ParkedEvent {
                id: row.get(0)?,
                plan_id: text(1)?,
                created_at: row.get(2).map(moment)?,
                parked_at: row.get(3).map(moment)?,
                rejections: row.get(4).map(count)?,
                error: text(5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(events)
}

pub(super) fn resend(connection: &Connection, ids: Option<&[i64]>) -> Result<usize, StoreError> {
    const RESET: &str = "UPDATE outbox SET parked_at = NULL, rejections = 0, not_before = 0
                         WHERE parked_at IS NOT NULL";
    let Some(ids) = ids else {
        return Ok(connection.prepare_cached(RESET)?.execute([])?);
    };
    let mut one = connection.prepare_cached(&format!("{RESET} AND seq = ?1"))?;
    let mut count = 0;
    for id in ids {
        count += one.execute([id])?;
    }
    Ok(count)
}
