//! One batch of events on its way: plans side by side, the events of each in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use super::BrainConfig;
use crate::plan::Method;
use crate::services::{Answer, CallError, Client, Link, Outgoing, Service};
use crate::store::{Delivery, DeliveryOutcome, OutboxEntry};

/// Events that are looked at together.
pub(super) const BATCH: usize = 256;

/// Plans that are delivered side by side.
const CONCURRENT: usize = 8;

/// Rejections after which the wait no longer doubles.
const DOUBLINGS: u32 = 6;

/// What came of a batch.
pub(super) struct Delivered {
    /// Events that arrived, or were rejected.
    pub(super) settled: Vec<Delivery>,
    /// Why the others did not: Brain itself is in trouble.
    pub(super) failed: Option<String>,
}

pub(super) async fn deliver(
    client: &Client,
    brain: &Arc<Service>,
    config: &BrainConfig,
    entries: Vec<OutboxEntry>,
) -> Delivered {
    let mut plans: BTreeMap<String, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in entries {
        plans.entry(entry.plan_id.clone()).or_default().push(entry);
    }
    let mut waiting = plans.into_values();
    let mut running = JoinSet::new();
    let mut all = Delivered {
        settled: Vec::new(),
        failed: None,
    };
    loop {
        // Once Brain is in trouble, no more is begun.
        while all.failed.is_none()
            && running.len() < CONCURRENT
            && let Some(entries) = waiting.next()
        {
            running.spawn(deliver_plan(
                client.clone(),
                Arc::clone(brain),
                config.clone(),
                entries,
            ));
        }
        match running.join_next().await {
            None => return all,
            Some(Ok(some)) => {
                all.settled.extend(some.settled);
                all.failed = all.failed.or(some.failed);
            }
            Some(Err(fault)) => all.failed = Some(fault.to_string()),
        }
    }
}

/// Delivers the events of one plan, up to the first that does not arrive.
async fn deliver_plan(
    client: Client,
    brain: Arc<Service>,
    config: BrainConfig,
    entries: Vec<OutboxEntry>,
) -> Delivered {
    let mut plan = Delivered {
        settled: Vec::with_capacity(entries.len()),
        failed: None,
    };
    for entry in entries {
        let record = match record(&entry) {
            Ok(record) => record,
            Err(error) => {
                plan.settled
                    .push(rejected(&entry, &config, error.to_string()));
                return plan;
            }
        };
        let sent = client.send(&brain, record, brain.timeout, Link::Kept);
        match sent.await {
            // Whatever it says: sent again, it would be there twice.
            Ok(received) if (200..300).contains(&received.status) => {
                plan.settled.push(Delivery {
                    id: entry.id,
                    outcome: DeliveryOutcome::Delivered,
                });
            }
            Ok(received) => {
                let status = received.status;
                let said = describe(client.read(&brain, received));
                if is_rejection(status) {
                    plan.settled.push(rejected(&entry, &config, said));
                } else {
                    plan.failed = Some(said);
                }
                return plan;
            }
            Err(error) => {
                plan.failed = Some(error.to_string());
                return plan;
            }
        }
    }
    plan
}

/// The event is at fault, not the moment.
fn is_rejection(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 429)
}

fn rejected(entry: &OutboxEntry, config: &BrainConfig, error: String) -> Delivery {
    let outcome = if entry.rejections.saturating_add(1) >= config.rejections {
        tracing::warn!(
            "event {} of plan {} is parked: {error}",
            entry.id,
            entry.plan_id
        );
        DeliveryOutcome::Parked { error }
    } else {
        let again_after = Duration::from_millis(config.first_wait_ms)
            .saturating_mul(1 << entry.rejections.min(DOUBLINGS));
        DeliveryOutcome::Rejected { error, again_after }
    };
    Delivery {
        id: entry.id,
        outcome,
    }
}

fn describe(answer: Result<Answer, CallError>) -> String {
    match answer {
        Ok(Answer { status, body, .. }) => {
            let body: String = body.chars().take(300).collect();
            format!("brain answered {status}: {body}")
        }
        Err(error) => error.to_string(),
    }
}

/// What Brain is sent: `POST /v2/memory/write`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    domain: &'static str,
    session_id: String,
    title: String,
    content: &'a str,
    tags: [&'a str; 3],
}

fn record(entry: &OutboxEntry) -> Result<Outgoing, serde_json::Error> {
    let record = Record {
        domain: "ops",
        session_id: format!("mesh-{}", entry.session_id),
        title: format!("Mesh plan update ({})", entry.domain),
        content: &entry.content,
        tags: ["mesh", "orchestration", &entry.domain],
    };
    Ok(Outgoing {
        method: Some(Method::Post),
        path: "/v2/memory/write".to_owned(),
        body: Some(serde_json::to_string(&record)?),
        ..Outgoing::default()
    })
}
