//! Local edition of workflow: keeps workflows, and runs them a step a call. Like the real one it
//! takes from a decomposition only how many steps there are and which need a person, so no step
//! says where to go, and the first that is run fails.

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
use super::{new_id, now};

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
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum StepStatus {
    Pending,
    /// Approved; the real one never comes back to it.
    InProgress,
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
    label: &'static str,
    service: &'static str,
    endpoint: &'static str,
    payload: Map<String, Value>,
    mode: &'static str,
    requires_approval: bool,
    status: StepStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl Step {
    fn new(requires_approval: bool) -> Self {
        Self {
            id: new_id(),
            label: "step",
            service: "unknown",
            endpoint: "/",
            payload: Map::new(),
            mode: "LIVE",
            requires_approval,
            status: StepStatus::Pending,
            error: None,
        }
    }
}

impl Workflow {
    fn plan(fields: &Fields) -> Self {
        let steps: Vec<Step> = match fields.text("goal") {
            Some(goal) => decompose::approvals(goal).map(Step::new).collect(),
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
        self.status = Status::Running;
        self.updated_at = now();
    }

    /// Takes the next step that no person has to agree to.
    fn proceed(&mut self) {
        if self.status != Status::Running {
            return;
        }
        let nothing_to_do = self.steps.is_empty();
        let mut steps = self.steps.iter_mut();
        let next = steps.find(|step| step.status == StepStatus::Pending && !step.requires_approval);
        self.status = match next {
            Some(step) => {
                step.status = StepStatus::Error;
                step.error = Some("Not Found");
                Status::Failed
            }
            // No step is ever done, so only a workflow without any is completed.
            None if nothing_to_do => Status::Completed,
            None => Status::Paused,
        };
        self.updated_at = now();
    }

    /// Takes a step for approved. An unknown step changes nothing, and is no error.
    fn approve(&mut self, step: Option<&str>) {
        let Some(step) = self.steps.iter_mut().find(|s| Some(s.id.as_str()) == step) else {
            return;
        };
        step.requires_approval = false;
        if step.status == StepStatus::Pending {
            step.status = StepStatus::InProgress;
        }
        self.updated_at = now();
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
