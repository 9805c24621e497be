//! `GET /plugins/{kind}/recordings`: the last steps of a kind that is recorded, each as a case.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Serialize, Serializer};

use super::error::HttpError;
use super::query::Parameters;
use super::reader::Reader;
use super::segments::Segments;
use crate::engine::{Engine, Recording};

/// `{ok, kind, recordings}`
#[derive(Serialize)]
struct RecordingsAnswer {
    ok: bool,
    kind: String,
    #[serde(serialize_with = "shared")]
    recordings: Vec<Arc<Recording>>,
}

fn shared<S: Serializer>(all: &[Arc<Recording>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(all.iter().map(Arc::as_ref))
}

/// `planId`, `stepId` → `{ok, kind, recordings: [{planId, stepId, attempt, sha256, at, fault?,
/// case}]}`, newest first; 404 of a kind that is not recorded.
pub(super) async fn list_recordings(
    State(engine): State<Arc<Engine>>,
    Segments(kind): Segments<String>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, HttpError> {
    if !engine.recordings.are_on(&kind) {
        // A kind that does not exist is refused as such.
        engine.registry.versions(&kind).await?;
        return Err(HttpError::new(
            StatusCode::NOT_FOUND,
            format!(
                "steps of the kind {kind} are not recorded: set record = 10 under [plugin.{kind}] \
                 in the host's configuration, and start it again"
            ),
        ));
    }
    let is = |name: &str, id: &str| parameters.get(name).is_none_or(|asked| asked == id);
    let mut recordings = engine.recordings.of(&kind);
    recordings.retain(|one| is("planId", &one.plan_id) && is("stepId", &one.step_id));
    reader.answer(&RecordingsAnswer {
        ok: true,
        kind,
        recordings,
    })
}
