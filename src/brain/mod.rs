//! Delivers the store's events to Brain v2, the audit log: in order for each plan, at least once,
//! never in the way of a step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::plan::Method;
use crate::services::{Client, Outgoing, Service};
use crate::store::{OutboxEntry, Store};

/// Events that are looked at together.
const BATCH: usize = 256;

/// Plans that are delivered side by side.
const CONCURRENT: usize = 8;

/// The wait after a first failure; it doubles with each more.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Delivers events for as long as it is polled.
pub async fn deliver(store: Arc<dyn Store>, client: Client, brain: Service) {
    let brain = Arc::new(brain);
    let mut wait = FIRST_WAIT;
    loop {
        match deliver_batch(&*store, &client, &brain).await {
            Ok(0) => store.wait_for_events().await,
            Ok(_) => wait = FIRST_WAIT,
            Err(error) => {
                tracing::warn!("the audit log waits: {error}");
                tokio::time::sleep(jittered(wait)).await;
                wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            }
        }
    }
}

/// Delivers what is there; how much it was.
async fn deliver_batch(
    store: &dyn Store,
    client: &Client,
    brain: &Arc<Service>,
) -> Result<usize, String> {
    let entries = store
        .undelivered(BATCH)
        .await
        .map_err(|error| error.to_string())?;
    let mut plans: BTreeMap<String, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in entries {
        plans.entry(entry.plan_id.clone()).or_default().push(entry);
    }
    let mut waiting = plans.into_values();
    let mut running = JoinSet::new();
    let (mut delivered, mut failed) = (Vec::new(), None);
    loop {
        while running.len() < CONCURRENT
            && let Some(entries) = waiting.next()
        {
            running.spawn(deliver_plan(client.clone(), Arc::clone(brain), entries));
        }
        let Some(done) = running.join_next().await else {
            break;
        };
        let (ids, error) = done.map_err(|error| error.to_string())?;
        delivered.extend(ids);
        failed = failed.or(error);
    }
    let count = delivered.len();
    if count > 0 {
        store
            .delivered(delivered)
            .await
            .map_err(|error| error.to_string())?;
    }
    failed.map_or(Ok(count), Err)
}

/// Delivers the events of one plan, in order; those that arrived, and what stopped the rest.
async fn deliver_plan(
    client: Client,
    brain: Arc<Service>,
    entries: Vec<OutboxEntry>,
) -> (Vec<i64>, Option<String>) {
    let mut delivered = Vec::with_capacity(entries.len());
    for entry in entries {
        match client.call(&brain, record(&entry)).await {
            Ok(answer) if (200..300).contains(&answer.status) => delivered.push(entry.id),
            Ok(answer) => {
                return (delivered, Some(format!("brain answered {}", answer.status)));
            }
            Err(error) => return (delivered, Some(error.to_string())),
        }
    }
    (delivered, None)
}

fn record(entry: &OutboxEntry) -> Outgoing {
    let body = json!({
        "domain": "ops",
        "sessionId": format!("mesh-{}", entry.session_id),
        "title": format!("Mesh plan update ({})", entry.domain),
        "content": entry.content,
        "tags": ["mesh", "orchestration", entry.domain],
    });
    Outgoing {
        method: Some(Method::Post),
        path: "/v2/memory/write".to_owned(),
        body: Some(body.to_string()),
        ..Outgoing::default()
    }
}

/// Half to all of the wait, so that hosts that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without random numbers there is no jitter, and no harm.
    let _ = getrandom::fill(&mut byte);
    wait.mul_f64(0.5 + f64::from(u8::from_ne_bytes(byte)) / 512.0)
}
