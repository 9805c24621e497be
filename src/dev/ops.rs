//! Local edition of ops: which services on its list are up, and tasks that only leave a record.
//! Of the list it looks at those that are configured.

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
/// The services that the real one looks at: name, what it calls the service, and whether
/// everything is red without it.
const LIST: [(&str, &str, bool); 21] = [
    ("bridge", "Bridge", true),
    ("brain", "Brain", true),
    ("orchestrator", "Orchestrator", true),
    ("hands", "Hands v5", false),
    ("knowledge", "Knowledge Engine", false),
    ("vision", "Vision v2.6", false),
    ("video", "Video Engine", false),
    ("monetization", "Monetization", false),
    ("telemetry", "Telemetry", true),
    ("voice", "Voice v2", false),
    ("strategy", "Strategy", false),
    ("trends", "Trends", false),
    ("simulation", "Simulation", false),
    ("visibility", "Visibility", false),
    ("accounts", "Account Safety", true),
    ("ecommerce", "E-Commerce", false),
    ("engagement", "Engagement", false),
    ("campaign", "Campaign", false),
    ("creative", "Creative", false),
    ("creativeSuite", "Creative Suite", false),
    ("distribution", "Distribution", false),
];

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
    fn of(health: Health) -> Option<Self> {
        let (_, service, critical) = LIST.iter().find(|(name, ..)| *name == health.name)?;
        let healthy = health.error.is_none();
        Some(Self {
            service,
            port: health.port,
            healthy,
            latency: healthy.then_some(health.latency.as_millis()),
            error: health.error,
            critical: *critical,
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
        let names = LIST.map(|(name, ..)| name);
        let found = self.peers.probe(&names, PROBE_LIMIT).await;
        found.into_iter().filter_map(Service::of).collect()
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
