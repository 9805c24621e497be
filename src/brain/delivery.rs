//! One batch of events on its way: plans side by side, the events of each in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use super::BrainConfig;
use super::answer::{Fate, Trouble, fate};
use crate::plan::Method;
use crate::services::{Client, Link, Outgoing, Service};
use crate::store::{Delivery, DeliveryOutcome, OutboxEntry};

/// Events that are looked at together.
pub(super) const BATCH: usize = 256;

/// Plans that are delivered side by side.
const CONCURRENT: usize = 8;

/// Rejections after which the wait no longer doubles.
const DOUBLINGS: u32 = 6;

/// Events that are parked one after the other, without one in between that Brain took. Past it not the
/// events are at fault.
const PARKED_IN_A_ROW: u32 = 8;

/// What came of a batch.
#[derive(Default)]
pub(super) struct Delivered {
    /// Events that arrived, or were rejected.
    pub(super) settled: Vec<Delivery>,
    /// Why the others did not: Brain itself is in trouble.
    pub(super) failed: Option<Trouble>,
}

impl Delivered {
    /// Why Brain rejected one of them.
    pub(super) fn rejected(&self) -> Option<&str> {
        self.settled
            .iter()
            .find_map(|delivery| match &delivery.outcome {
                DeliveryOutcome::Delivered => None,
                DeliveryOutcome::Rejected { error, .. } | DeliveryOutcome::Parked { error } => {
                    Some(error.as_str())
                }
            })
    }
}

/// How many events were parked since Brain took one.
#[derive(Debug, Default)]
pub(super) struct InARow(u32);

impl InARow {
    /// Has those wait that would be parked although Brain rejects whatever it is sent.
    fn hold(&mut self, plan: &mut Delivered, config: &BrainConfig) {
        for delivery in &mut plan.settled {
            let DeliveryOutcome::Parked { error } = &delivery.outcome else {
                if delivery.outcome == DeliveryOutcome::Delivered {
                    self.0 = 0;
                }
                continue;
            };
            if self.0 < PARKED_IN_A_ROW {
                self.0 += 1;
                tracing::warn!("event {} is parked: {error}", delivery.id);
                continue;
            }
            delivery.outcome = DeliveryOutcome::Rejected {
                error: format!(
                    "brain rejects one event after the other, so no more are parked: {error}"
                ),
                again_after: config.wait(DOUBLINGS),
            };
        }
    }
}

pub(super) async fn deliver(
    client: &Client,
    brain: &Arc<Service>,
    config: &BrainConfig,
    entries: Vec<OutboxEntry>,
    in_a_row: &mut InARow,
) -> Delivered {
    let mut plans: BTreeMap<String, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in entries {
        plans.entry(entry.plan_id.clone()).or_default().push(entry);
    }
    let mut waiting = plans.into_values();
    let mut running = JoinSet::new();
    let mut all = Delivered::default();
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
            Some(Ok(mut some)) => {
                in_a_row.hold(&mut some, config);
                all.settled.extend(some.settled);
                all.failed = all.failed.or(some.failed);
            }
            Some(Err(fault)) => all.failed = Some(fault.to_string().into()),
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
    let mut plan = Delivered::default();
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
        let fate = match sent.await {
            Ok(received) => fate(received.status, client.read(&brain, received)),
            Err(error) => Fate::Unknown(error.to_string().into()),
        };
        match fate {
            Fate::Taken => plan.settled.push(Delivery {
                id: entry.id,
                outcome: DeliveryOutcome::Delivered,
            }),
            Fate::Rejected(why) => {
                plan.settled.push(rejected(&entry, &config, why));
                return plan;
            }
            Fate::Unknown(trouble) => {
                plan.failed = Some(trouble);
                return plan;
            }
        }
    }
    plan
}

fn rejected(entry: &OutboxEntry, config: &BrainConfig, error: String) -> Delivery {
    let outcome = if entry.rejections.saturating_add(1) >= config.rejections {
        DeliveryOutcome::Parked { error }
    } else {
        let again_after = config.wait(entry.rejections);
        DeliveryOutcome::Rejected { error, again_after }
    };
    Delivery {
        id: entry.id,
        outcome,
    }
}

impl BrainConfig {
    /// How long an event waits that was rejected as often before.
    fn wait(&self, rejections: u32) -> Duration {
        Duration::from_millis(self.first_wait_ms).saturating_mul(1 << rejections.min(DOUBLINGS))
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
