//! Local edition of ops: which configured services are up, and tasks that only leave a record.
//! It never probes itself, which would have no end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::fastify::{Body, Fault};
use super::peers::{Health, Peers};
use super::shelf::Shelf;
use super::{guard, new_id, now};

const MOST_TASKS: usize = 1_000;
const PROBE_LIMIT: Duration = Duration::from_secs(2);
const VERSION: &str = "1.0.0-ULTRA";

struct Ops {
    peers: Peers,
    started: Instant,
    tasks: Mutex<Shelf<Task>>,
}

pub(super) fn routes(peers: &Peers) -> Router {
    let ops = Ops {
        peers: peers.clone(),
        started: Instant::now(),
        tasks: Mutex::new(Shelf::new(MOST_TASKS)),
    };
    Router::new()
        .route("/ops/health", get(health))
        .route("/ops/status", get(status))
        .route("/ops/run", post(run))
        .route("/ops/queue", get(queue))
        .with_state(Arc::new(ops))
}

#[derive(Serialize)]
struct Service {
    service: String,
    port: Option<u16>,
    healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Health> for Service {
    fn from(health: Health) -> Self {
        let healthy = health.error.is_none();
        Self {
            service: health.name,
            port: health.port,
            healthy,
            latency: healthy.then_some(health.latency.as_millis()),
            error: health.error,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_id: String,
    task: Value,
    status: &'static str,
    steps: usize,
    retries: u32,
    created_at: String,
}

impl Ops {
    async fn services(&self) -> Vec<Service> {
        let found = self.peers.probe(|name| name != "ops", PROBE_LIMIT).await;
        found.into_iter().map(Service::from).collect()
    }
}

fn down(services: &[Service]) -> usize {
    services.iter().filter(|service| !service.healthy).count()
}

/// Red from the moment half of the services are down.
fn light(services: &[Service]) -> &'static str {
    match down(services) {
        0 => "GREEN",
        down if down * 2 < services.len() => "YELLOW",
        _ => "RED",
    }
}

async fn health(State(ops): State<Arc<Ops>>) -> Json<Value> {
    let services = ops.services().await;
    Json(json!({
        "ok": true,
        "status": light(&services),
        "version": VERSION,
        "services": services,
        "queueLength": ops.tasks.lock().await.len(),
        "uptime": ops.started.elapsed().as_secs(),
    }))
}

async fn status(State(ops): State<Arc<Ops>>) -> Json<Value> {
    let services = ops.services().await;
    let unhealthy = down(&services);
    let total = services.len();
    Json(json!({
        "ok": true,
        "opsStatus": light(&services),
        "version": VERSION,
        "uptime": ops.started.elapsed().as_secs(),
        "services": {"total": total, "healthy": total - unhealthy, "unhealthy": unhealthy},
        "queue": {"length": ops.tasks.lock().await.len(), "activeTask": null},
        "details": services,
    }))
}

async fn run(State(ops): State<Arc<Ops>>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("sessionId", Fault::uncaught)?;
    let (Some(_), Some(task)) = (fields.given("sessionId"), fields.given("task")) else {
        let error = "sessionId and task are required";
        return Err(Fault::refused(StatusCode::BAD_REQUEST, error));
    };
    let steps = match fields.given("steps") {
        Some(Value::Array(steps)) => steps.len(),
        Some(Value::String(steps)) => steps.chars().count(),
        _ => 1,
    };
    let task_id = new_id();
    let prohibited = task
        .as_str()
        .is_some_and(|task| !guard::prohibited(task).is_empty());
    let task = Task {
        task_id: task_id.clone(),
        task: task.clone(),
        status: if prohibited { "FAILED" } else { "COMPLETED" },
        steps,
        retries: 0,
        created_at: now(),
    };
    ops.tasks.lock().await.put(fields.size, task);
    // What came of it is only in the queue, as with the real service.
    Ok(Json(json!({
        "ok": true,
        "status": "RUNNING",
        "taskId": task_id,
        "message": "Task executing immediately",
    })))
}

async fn queue(State(ops): State<Arc<Ops>>) -> Json<Value> {
    let tasks = ops.tasks.lock().await;
    let queue: Vec<&Task> = tasks.iter().collect();
    Json(json!({
        "ok": true,
        "queueLength": queue.len(),
        "activeTask": null,
        "queue": queue,
    }))
}
