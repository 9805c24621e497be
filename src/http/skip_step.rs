//! `POST /mesh/skip`: somebody decides against running a step.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::body::JsonBody;
use super::decision;
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;

/// `{planId, stepId, by, reason}` → `{ok, plan}`: the step is DONE, with `skipped` and no result. A
/// check that LIVE plans must have needs an approval then, before anything is written.
pub(super) async fn skip_step(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId", "stepId", "by", "reason"])?;
    let id = fields.text("planId")?;
    let step = decision::step(&fields)?;
    let by = decision::person(&fields, "by")?;
    let plan = engine
        .skip(id, step, by, decision::reason(&fields)?)
        .await?;
    reader.changed(plan).await
}
