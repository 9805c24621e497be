//! Whether services are well, asked directly: once each, all at the same time, and aside from what
//! their breakers remember.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::{Answer, Client, Gateway, Link, Outgoing, Service, known};
use crate::plan::{Effect, Method};

impl Gateway {
    /// Those of the services that answer in time that they are well, by name.
    pub async fn healthy(
        &self,
        services: impl IntoIterator<Item = Service>,
        timeout: Duration,
    ) -> Vec<String> {
        let mut asking = JoinSet::new();
        for service in services {
            let client = self.client().clone();
            asking.spawn(async move {
                let is_well = is_well(&client, &service, timeout).await;
                is_well.then_some(service.name)
            });
        }
        let mut healthy: Vec<String> = Vec::new();
        while let Some(asked) = asking.join_next().await {
            healthy.extend(asked.ok().flatten());
        }
        healthy.sort_unstable();
        healthy
    }
}

async fn is_well(client: &Client, service: &Service, timeout: Duration) -> bool {
    let path = known::health_path(&service.name);
    if service.routes.effect(Method::Get, path) != Effect::Read {
        return false;
    }
    let request = Outgoing {
        path: path.to_owned(),
        ..Outgoing::default()
    };
    let answered = client.call(service, request, timeout, Link::Fresh).await;
    answered.is_ok_and(|answer| says_well(&answer))
}

/// A success in JSON that does not say otherwise: `{ok: true}`, and where there is a status beside it,
/// as ops has one, no other than one of these.
fn says_well(answer: &Answer) -> bool {
    const WELL: [&str; 5] = ["green", "healthy", "ok", "running", "up"];
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let status = body.get("status").and_then(Value::as_str);
    let status = status.map(str::to_ascii_lowercase);
    (200..300).contains(&answer.status)
        && body.get("ok") == Some(&Value::Bool(true))
        && status.is_none_or(|status| WELL.contains(&&*status))
}
