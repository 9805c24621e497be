//! What the host is compared with: the same requests in and out, and the same number of writes to
//! Brain, with no plan, no store and no sandbox.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use codex_mesh::services::install_tls;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::child::stopped;

/// Writes to Brain that are under way at the same time: as many as the host's.
const BRAIN: usize = 8;

/// What each step sends, as long as what the host sends.
const CALLS: [(&str, &str); 4] = [
    (
        "/autonomy/evaluate",
        r#"{"goal":"Plan and execute a 7-day TikTok & Shorts content cycle.","domain":"social"}"#,
    ),
    (
        "/srl/check",
        r#"{"sessionId":"s1","domain":"social","contentSummary":"Plan and execute a 7-day TikTok & Shorts content cycle.","plannedActions":["workflow: POST /workflow/create","Proceed with the goal as planned"]}"#,
    ),
    (
        "/hardening/check",
        r#"{"sessionId":"s1","domain":"social","actionSummary":"Plan and execute a 7-day TikTok & Shorts content cycle.","servicesInvolved":["workflow"],"plannedActions":["workflow: POST /workflow/create","Proceed with the goal as planned"]}"#,
    ),
    (
        "/workflow/create",
        r#"{"projectId":"social-project","goal":"Plan and execute a 7-day TikTok & Shorts content cycle.","sessionId":"s1"}"#,
    ),
];

const WRITE: &str = r#"{"domain":"ops","sessionId":"mesh-s1","title":"Mesh plan update (social)","content":"{\"goal\":\"Plan and execute a 7-day TikTok & Shorts content cycle.\",\"mode\":\"LIVE\",\"summary\":\"Plan 01a205cd-33b9-75f3-bbf0-2927a3da0008: step-1 (Evaluate autonomy decision) is DONE\",\"steps\":[{\"label\":\"Evaluate autonomy decision\",\"service\":\"autonomy\",\"status\":\"DONE\"},{\"label\":\"Run self-regulation (SRL)\",\"service\":\"srl\",\"status\":\"PENDING\"},{\"label\":\"Run hardening check\",\"service\":\"hardening\",\"status\":\"PENDING\"},{\"label\":\"Create workflow\",\"service\":\"workflow\",\"status\":\"PENDING\"}]}","tags":["mesh","orchestration","social"]}"#;

const CREATED: &str = r#"{"ok":true,"plan":{"id":"01a205cd-33b9-75f3-bbf0-2927a3da0008","sessionId":"s1","domain":"social","mode":"LIVE","status":"PENDING"}}"#;

#[derive(Clone)]
struct Relay {
    client: reqwest::Client,
    urls: Arc<[String]>,
    writes: mpsc::UnboundedSender<()>,
}

#[derive(Deserialize)]
struct StepRequest {
    step: usize,
}

/// The role of the relay.
pub(crate) async fn run(services: &[String]) -> anyhow::Result<()> {
    install_tls();
    let client = reqwest::Client::new();
    let urls = services.iter().zip(CALLS);
    let urls = urls.map(|(base, (path, _))| format!("{base}{path}"));
    let brain = services.last().context("no brain")?;
    let writes = deliver(&client, format!("{brain}/v2/memory/write"));
    let relay = Relay {
        client,
        urls: urls.collect(),
        writes,
    };
    let router = Router::new()
        .route("/mesh/create", post(create))
        .route("/mesh/step", post(step))
        .with_state(relay);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, router) => Ok(served?),
        () = stopped() => Ok(()),
    }
}

/// Sends a write for every message, after the answer and side by side.
fn deliver(client: &reqwest::Client, url: String) -> mpsc::UnboundedSender<()> {
    let (sender, waiting) = mpsc::unbounded_channel();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..BRAIN {
        let (client, url, waiting) = (client.clone(), url.clone(), Arc::clone(&waiting));
        tokio::spawn(async move {
            loop {
                // Its own statement: the lock is for taking a message, not for sending it.
                let taken = waiting.lock().await.recv().await;
                if taken.is_none() {
                    return;
                }
                if let Err(error) = send(&client, &url, WRITE).await {
                    eprintln!("a write to Brain failed: {error}");
                }
            }
        });
    }
    sender
}

async fn send(client: &reqwest::Client, url: &str, body: &'static str) -> reqwest::Result<Bytes> {
    let request = client.post(url).header(CONTENT_TYPE, "application/json");
    request.body(body).send().await?.bytes().await
}

async fn create(State(relay): State<Relay>, _: Bytes) -> impl IntoResponse {
    let _ = relay.writes.send(());
    ([(CONTENT_TYPE, "application/json")], CREATED)
}

async fn step(State(relay): State<Relay>, body: Bytes) -> impl IntoResponse {
    let Ok(StepRequest {
        step: number @ 1..=4,
    }) = serde_json::from_slice(&body)
    else {
        return (StatusCode::BAD_REQUEST, "no such step".to_owned()).into_response();
    };
    let (_, payload) = CALLS[number - 1];
    let answer = match send(&relay.client, &relay.urls[number - 1], payload).await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let (status, writes) = match number {
        4 => ("DONE", 2),
        _ => ("RUNNING", 1),
    };
    for _ in 0..writes {
        let _ = relay.writes.send(());
    }
    let answer = String::from_utf8_lossy(&answer);
    let body =
        format!(r#"{{"ok":true,"plan":{{"id":"p","status":"{status}","result":{answer}}}}}"#);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
