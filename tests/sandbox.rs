//! Whatever a guest does, its own step ends with an error that says what it was, and nothing else
//! changes.

mod answers;
mod compiling;
mod contained;
mod isolation;
mod log;
mod meanwhile;
mod modes;
mod raw;
mod requests;

use std::path::Path;
use std::sync::Arc;

use codex_mesh::sandbox::bindings::{Context, Manifest, Mode, PlanInfo, Request, ThisStep};
use codex_mesh::sandbox::{Clock, CompileCache, Fault, Limits, LoadError, Plugin, Sandbox};
use serde_json::{Value, json};

use crate::support::{TestApp, cache_dir, program};

/// A step of the hostile kind, after it ran in a plan of its own with this goal. What follows it
/// in the plan must not have begun if it failed.
async fn run_hostile(app: &TestApp, goal: &str) -> Value {
    let steps = json!([{"kind": "hostile"}, {"kind": "srl"}]);
    let plan = app.create(&json!({"goal": goal, "steps": steps})).await;
    let plan = app.step(&plan).await;
    let next = &plan["steps"][1];
    assert_eq!(next["status"], "PENDING", "{goal}: {plan:#}");
    assert_eq!(next["result"], Value::Null, "{goal}: {plan:#}");
    let status = match plan["steps"][0]["status"].as_str() {
        Some("ERROR") => "ERROR",
        _ => "RUNNING",
    };
    assert_eq!(plan["status"], status, "{goal}: {plan:#}");
    plan["steps"][0].clone()
}

/// The error of the step with this goal.
async fn error_of(app: &TestApp, goal: &str) -> String {
    let step = run_hostile(app, goal).await;
    assert_eq!(step["status"], "ERROR", "{goal}: {step:#}");
    assert_eq!(step["result"], Value::Null, "{goal}: {step:#}");
    step["error"].as_str().unwrap().to_owned()
}

/// A well-behaved plan runs to its end.
async fn assert_serves(app: &TestApp) {
    let (status, _) = app.get("/health").await;
    assert_eq!(status, 200);
    let plan = app.create(&json!({})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

/// Loads a component as the host does.
async fn load(component: &[u8], limits: Limits) -> Result<(Plugin, Manifest), LoadError> {
    load_with(component, limits, &cache_dir()).await
}

/// The same with a cache of its own.
async fn load_with(
    component: &[u8],
    limits: Limits,
    cache: &Path,
) -> Result<(Plugin, Manifest), LoadError> {
    let sandbox = Arc::new(Sandbox::new(limits, program().into()).unwrap());
    let cache = Arc::new(CompileCache::open(cache).unwrap());
    Plugin::load(sandbox, cache, Arc::from(component)).await
}

/// Limits for tests that call the sandbox directly: few slots, since each costs address space,
/// and patience enough for a busy machine.
fn limits() -> Limits {
    Limits {
        concurrent_calls: 4,
        wall_ms: 60_000,
        ..Limits::default()
    }
}

/// What a plugin of a plan with this goal, and nothing else, is told.
fn context(goal: &str) -> Context {
    Context {
        plan: PlanInfo {
            id: "3f2b7c52-7a39-4a5e-9a53-0d6f3c9a1b11".to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: goal.to_owned(),
            mode: Mode::Live,
        },
        steps: Vec::new(),
        step: ThisStep {
            id: "step-1".to_owned(),
            domain: "social".to_owned(),
            attempt: 1,
            settings: "{}".to_owned(),
        },
        finished: Vec::new(),
    }
}

/// The request that the plugin shapes for this goal.
async fn shape(plugin: &Plugin, goal: &str) -> Result<Request, Fault> {
    let called = plugin.shape(&context(goal), Clock::IDLE).await;
    called.outcome.map(Result::unwrap)
}

/// Its body.
async fn body(plugin: &Plugin, goal: &str) -> Value {
    let request = shape(plugin, goal).await.unwrap();
    serde_json::from_str(&request.body.unwrap()).unwrap()
}
