//! The services: each answers every request with one recorded answer. Cheap, because they share
//! the machine with what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::net::TcpListener;

/// Service, recording, and the answer in it: those with which a plan runs to its end.
const ANSWERS: [(&str, &str, &str); 5] = [
    ("autonomy", "autonomy-evaluate.json", "good_allow"),
    (
        "srl",
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    ),
    (
        "hardening",
        "hardening-check-dependencies-stubbed.json",
        "all_healthy",
    ),
    ("workflow", "workflow.json", "create_good_as_mesh_sends"),
    ("brain", "brain-memory.json", "write_good"),
];

/// The names of the services, in the order of [`Stubs::urls`].
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ANSWERS.iter().map(|(name, ..)| *name)
}

/// The services.
pub(crate) struct Stubs {
    pub(crate) urls: Vec<String>,
    writes: Arc<AtomicU64>,
}

impl Stubs {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let writes = Arc::new(AtomicU64::new(0));
        let mut urls = Vec::new();
        for (name, file, answer) in ANSWERS {
            let counter = (name == "brain").then(|| Arc::clone(&writes));
            urls.push(serve(recorded(file, answer)?, counter).await?);
        }
        Ok(Self { urls, writes })
    }

    /// Requests to Brain so far.
    pub(crate) fn brain_writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Waits until Brain was asked this often; how often it was by then.
    pub(crate) async fn brain_asked(&self, times: u64, patience: Duration) -> u64 {
        let started = Instant::now();
        while self.brain_writes() < times && started.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.brain_writes()
    }
}

async fn serve(body: Bytes, counter: Option<Arc<AtomicU64>>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // The request's body is taken in, as a service would.
    let answer = move |_: Bytes| {
        if let Some(counter) = &counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json; charset=utf-8")], body) }
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

fn recorded(file: &str, name: &str) -> anyhow::Result<Bytes> {
    let path = format!("{}/tests/traces/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let trace: Value = serde_json::from_str(&text)?;
    let calls = trace["calls"].as_array().into_iter().flatten();
    for call in calls {
        if call["name"] == name
            && let Some(body) = call["response"]["body_raw"].as_str()
        {
            return Ok(Bytes::from(body.to_owned()));
        }
    }
    bail!("{path} has no answer named {name}")
}
