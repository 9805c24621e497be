//! Local edition of workflow: keeps workflows, and runs them a step a call. A step that needs
//! approval pauses its workflow; a goal with a prohibited phrase fails at its first step.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::decompose;
use super::fastify::{self, Body, Fault, Fields};
use super::shelf::Shelf;
use super::{guard, new_id, now};

const MOST_WORKFLOWS: usize = 1_000;

type Workflows = Arc<Mutex<Shelf<Workflow>>>;

pub(super) fn routes() -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-autonomy-workflows",
        "version": "1.0.0",
        "mode": "SEMI_AUTONOMOUS",
    });
    // A GET of a verb's path asks for a workflow of that name, and there is none.
    Router::new()
        .route("/health", fastify::health(health))
        .route("/workflow/create", post(create).get(missing))
        .route("/workflow/start", post(start).get(missing))
        .route("/workflow/continue", post(proceed).get(missing))
        .route("/workflow/approveStep", post(approve).get(missing))
        .route("/workflow/{id}", get(one))
        .route("/workflows", get(all))
        .with_state(Arc::new(Mutex::new(Shelf::new(MOST_WORKFLOWS))))
}

#[derive(PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Planned,
    Running,
    Paused,
    Completed,
    Failed,
}

#[derive(PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum StepStatus {
    Pending,
    Done,
    Error,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Workflow {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Value>,
    created_at: String,
    updated_at: String,
    status: Status,
    steps: Vec<Step>,
    reasoning_trace: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: String,
    label: String,
    service: &'static str,
    endpoint: &'static str,
    payload: Map<String, Value>,
    mode: &'static str,
    requires_approval: bool,
    status: StepStatus,
}

impl From<decompose::Step> for Step {
    fn from(step: decompose::Step) -> Self {
        Self {
            id: step.id,
            label: step.description,
            service: step.target_service,
            endpoint: "/",
            payload: Map::new(),
            mode: "LIVE",
            requires_approval: step.requires_approval,
            status: StepStatus::Pending,
        }
    }
}

impl Workflow {
    fn plan(fields: &Fields) -> Self {
        let steps: Vec<Step> = match fields.text("goal") {
            Some(goal) => decompose::steps(goal).into_iter().map(Step::from).collect(),
            None => Vec::new(),
        };
        let reason = if steps.is_empty() {
            "Failed to decompose goal; workflow created with no steps."
        } else {
            "Steps derived from Autonomy Engine decomposition."
        };
        let created_at = now();
        Self {
            id: new_id(),
            project_id: fields.copy("projectId"),
            goal: fields.copy("goal"),
            updated_at: created_at.clone(),
            created_at,
            status: Status::Planned,
            steps,
            reasoning_trace: [reason],
        }
    }

    fn start(&mut self) {
        if matches!(self.status, Status::Planned | Status::Paused) {
            self.status = Status::Running;
        }
    }

    /// Takes the next step.
    fn proceed(&mut self) {
        if self.status != Status::Running {
            return;
        }
        let goal = self
            .goal
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default();
        let prohibited = !guard::prohibited(goal).is_empty();
        let mut pending = self
            .steps
            .iter_mut()
            .filter(|s| s.status == StepStatus::Pending);
        match pending.next() {
            None => self.status = Status::Completed,
            Some(step) if prohibited => {
                step.status = StepStatus::Error;
                self.status = Status::Failed;
            }
            Some(step) if step.requires_approval => self.status = Status::Paused,
            Some(step) => {
                step.status = StepStatus::Done;
                if pending.next().is_none() {
                    self.status = Status::Completed;
                }
            }
        }
    }

    /// Lets a step run without asking again. An unknown step changes nothing, and is no error.
    fn approve(&mut self, step: Option<&str>) {
        let Some(step) = self.steps.iter_mut().find(|s| Some(s.id.as_str()) == step) else {
            return;
        };
        step.requires_approval = false;
        if self.status == Status::Paused {
            self.status = Status::Running;
        }
    }
}

async fn create(State(workflows): State<Workflows>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("projectId", Fault::caught)?;
    let workflow = Workflow::plan(&fields);
    let answer = json!({"ok": true, "workflow": workflow});
    workflows.lock().await.put(fields.size, workflow);
    Ok(Json(answer))
}

async fn start(State(workflows): State<Workflows>, body: Body) -> Result<Json<Value>, Fault> {
    change(workflows, body, |workflow, _| workflow.start()).await
}

async fn proceed(State(workflows): State<Workflows>, body: Body) -> Result<Json<Value>, Fault> {
    change(workflows, body, |workflow, _| workflow.proceed()).await
}

async fn approve(State(workflows): State<Workflows>, body: Body) -> Result<Json<Value>, Fault> {
    change(workflows, body, |workflow, fields| {
        workflow.approve(fields.text("stepId"))
    })
    .await
}

/// Changes the workflow the body names, and answers with it.
async fn change(
    workflows: Workflows,
    body: Body,
    change: impl FnOnce(&mut Workflow, &Fields),
) -> Result<Json<Value>, Fault> {
    let fields = body.fields("workflowId", Fault::uncaught)?;
    let id = fields.text("workflowId");
    let mut workflows = workflows.lock().await;
    let workflow = workflows
        .find_mut(|workflow| Some(workflow.id.as_str()) == id)
        .ok_or_else(|| Fault::refused(StatusCode::NOT_FOUND, "Workflow not found"))?;
    change(workflow, &fields);
    workflow.updated_at = now();
    Ok(Json(json!({"ok": true, "workflow": workflow})))
}

async fn one(
    State(workflows): State<Workflows>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let workflows = workflows.lock().await;
    match workflows.iter().find(|workflow| workflow.id == id) {
        Some(workflow) => Ok(Json(json!({"ok": true, "workflow": workflow}))),
        None => Err(missing().await),
    }
}

async fn missing() -> Fault {
    Fault::refused(StatusCode::NOT_FOUND, "Not found")
}

async fn all(State(workflows): State<Workflows>) -> Json<Value> {
    let workflows = workflows.lock().await;
    let workflows: Vec<&Workflow> = workflows.iter().collect();
    Json(json!({"ok": true, "workflows": workflows}))
}
