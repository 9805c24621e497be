//! The services this mesh is configured to use, and whether they are up. A probe asks for the
//! health route only, reads no body, and ends within its time limit.

use std::time::{Duration, Instant};

use reqwest::{Client, Url};

use super::health_path;

/// All configured services, local or not, and the client to reach them with.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Name and base URL.
    services: Vec<(String, String)>,
    client: Client,
}

/// What one probe found.
pub(super) struct Health {
    pub(super) name: String,
    pub(super) port: Option<u16>,
    pub(super) latency: Duration,
    /// Why the service counts as down.
    pub(super) error: Option<String>,
}

impl Peers {
    /// The client's own time limit doesn't matter: every probe sets one.
    pub fn new(services: Vec<(String, String)>, client: Client) -> Self {
        Self { services, client }
    }

    /// Probes those of the names that are configured, all at once, and answers in their order.
    pub(super) async fn probe(&self, names: &[&str], limit: Duration) -> Vec<Health> {
        let wanted = names
            .iter()
            .filter_map(|name| self.services.iter().find(|(known, _)| known == name));
        let probes: Vec<_> = wanted
            .map(|(name, base)| {
                tokio::spawn(probe(
                    self.client.clone(),
                    name.clone(),
                    base.clone(),
                    limit,
                ))
            })
            .collect();
        let mut found = Vec::with_capacity(probes.len());
        for probe in probes {
            // A probe neither panics nor is aborted, so each of them is found.
            found.extend(probe.await);
        }
        found
    }
}

async fn probe(client: Client, name: String, base: String, limit: Duration) -> Health {
    let url = format!("{}{}", base.trim_end_matches('/'), health_path(&name));
    let began = Instant::now();
    let error = match client.get(&url).timeout(limit).send().await {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => Some(format!("{url} answered {}", answer.status())),
        Err(error) => Some(format!(
            "request to {url} failed, reason: {}",
            cause(&error)
        )),
    };
    let port = Url::parse(&base)
        .ok()
        .and_then(|url| url.port_or_known_default());
    Health {
        name,
        port,
        latency: began.elapsed(),
        error,
    }
}

/// The innermost cause: the outer ones only say that a request failed.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
