//! Local edition of ops: which services on its list are up, and tasks that only leave a record.
//! Of the list it looks at those that are configured; the others are as they were when the answers of
//! the real one were recorded.

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
use super::{js, new_id, now};

const MOST_TASKS: usize = 1_000;
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// A service that the real one looks at.
struct Listed {
    name: &'static str,
    /// What the real one calls it.
    shown: &'static str,
    port: u16,
    /// Everything is red without it.
    critical: bool,
}

const fn critical(name: &'static str, shown: &'static str, port: u16) -> Listed {
    Listed {
        critical: true,
        ..optional(name, shown, port)
    }
}

const fn optional(name: &'static str, shown: &'static str, port: u16) -> Listed {
    Listed {
        name,
        shown,
        port,
        critical: false,
    }
}

/// What the real one looks at.
const LIST: [Listed; 21] = [
    critical("bridge", "Bridge", 4000),
    critical("brain", "Brain", 4100),
    critical("orchestrator", "Orchestrator", 4200),
    optional("hands", "Hands v5", 4350),
    optional("knowledge", "Knowledge Engine", 4500),
    optional("vision", "Vision v2.6", 4650),
    optional("video", "Video Engine", 4700),
    optional("monetization", "Monetization", 4850),
    critical("telemetry", "Telemetry", 4950),
    optional("voice", "Voice v2", 9001),
    optional("strategy", "Strategy", 5050),
    optional("trends", "Trends", 5060),
    optional("simulation", "Simulation", 5070),
    optional("visibility", "Visibility", 5080),
    critical("accounts", "Account Safety", 5090),
    optional("ecommerce", "E-Commerce", 5100),
    optional("engagement", "Engagement", 5110),
    optional("campaign", "Campaign", 5120),
    optional("creative", "Creative", 5200),
    optional("creativeSuite", "Creative Suite", 5250),
    optional("distribution", "Distribution", 5300),
];

/// What was up beside the critical ones, of those that have no local edition.
const UP: &str = "knowledge";

/// Steps of a task that need what is not there: services without a local edition, and a route
/// that strategy doesn't have. All others are done by saying so.
const FAILING: [&str; 6] = [
    "plan",
    "content_plan",
    "analyze",
    "generate_content",
    "content_edit",
    "distribute",
];

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
    service: &'static str,
    port: Option<u16>,
    healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    critical: bool,
}

impl Service {
    /// As it was found or, if nothing is configured of it, as it was when the real one was recorded.
    fn new(listed: &Listed, found: &[Health]) -> Self {
        let found = found.iter().find(|health| health.name == listed.name);
        let (port, error, latency) = match found {
            Some(found) => (found.port, found.error.clone(), found.latency),
            None => (Some(listed.port), listed.recorded(), Duration::ZERO),
        };
        let healthy = error.is_none();
        Self {
            service: listed.shown,
            port,
            healthy,
            latency: healthy.then_some(latency.as_millis()),
            error,
            critical: listed.critical,
        }
    }
}

impl Listed {
    /// Why it was down, if it was.
    fn recorded(&self) -> Option<String> {
        let is_up = self.critical || self.name == UP;
        (!is_up).then(|| {
            let port = self.port;
            format!(
                "request to http://localhost:{port}/health failed, reason: connect ECONNREFUSED \
                 127.0.0.1:{port}"
            )
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_id: String,
    task: Value,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    retries: u32,
    created_at: String,
}

impl Ops {
    async fn services(&self) -> Vec<Service> {
        let names = LIST.map(|listed| listed.name);
        let found = self.peers.probe(&names, PROBE_LIMIT).await;
        let listed = LIST.iter();
        listed.map(|listed| Service::new(listed, &found)).collect()
    }
}

fn light(services: &[Service]) -> &'static str {
    let mut down = services.iter().filter(|service| !service.healthy);
    if down.clone().any(|service| service.critical) {
        "RED"
    } else if down.next().is_some() {
        "YELLOW"
    } else {
        "GREEN"
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
    let unhealthy = services.iter().filter(|service| !service.healthy).count();
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
    let own = [task.clone()];
    let steps: &[Value] = match fields.given("steps") {
        None => &own,
        Some(Value::Array(steps)) => steps,
        Some(_) => &[],
    };
    let fails = |step: &Value| FAILING.contains(&js::text(step).as_str());
    let task_id = new_id();
    let task = Task {
        task_id: task_id.clone(),
        task: task.clone(),
        status: if steps.iter().any(fails) {
            "FAILED"
        } else {
            "COMPLETED"
        },
        steps: fields.given("steps").map_or(Some(1), js::length),
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
