//! `GET /mesh/plan?id=&view=`: one plan.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Serialize, Serializer};

use super::error::HttpError;
use super::json::{json, written};
use super::query::Parameters;
use crate::engine::Engine;
use crate::plan::Plan;
use crate::store::StoreError;

/// `{ok, plan}`
#[derive(Serialize)]
pub(super) struct PlanAnswer {
    ok: bool,
    #[serde(serialize_with = "shared")]
    plan: Arc<Plan>,
}

fn shared<S: Serializer>(plan: &Arc<Plan>, serializer: S) -> Result<S::Ok, S::Error> {
    plan.serialize(serializer)
}

impl PlanAnswer {
    pub(super) fn json(plan: Arc<Plan>) -> Json<Self> {
        Json(Self { ok: true, plan })
    }
}

/// `id`, `view` → `{ok, plan}`, or 404.
pub(super) async fn get_plan(
    State(engine): State<Arc<Engine>>,
    parameters: Parameters,
) -> Result<Response, HttpError> {
    let id = parameters
        .get("id")
        .ok_or_else(|| HttpError::bad("id is required"))?;
    let view = parameters.name("view")?.unwrap_or_default();
    let plan = engine.store.plan(id).await?.ok_or(StoreError::NotFound)?;
    let plan = written(plan.json(view))?;
    Ok(json(format!(r#"{{"ok":true,"plan":{plan}}}"#)))
}
