//! `GET /mesh/plan?id=`: one plan.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Serialize, Serializer};

use super::error::HttpError;
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

/// `{ok, plan}`, or 404.
pub(super) async fn get_plan(
    State(engine): State<Arc<Engine>>,
    parameters: Parameters,
) -> Result<Json<PlanAnswer>, HttpError> {
    let id = parameters
        .get("id")
        .ok_or_else(|| HttpError::bad("id is required"))?;
    let plan = engine.store.plan(id).await?.ok_or(StoreError::NotFound)?;
    Ok(PlanAnswer::json(plan))
}
