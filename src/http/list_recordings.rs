//! `GET /plugins/{kind}/recordings`: the last steps of a kind that is recorded, each as a case.

use std::iter::once;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::iter;

use super::error::HttpError;
use super::json::{json, written};
use super::query::Parameters;
use super::reader::Reader;
use super::segments::Segments;
use crate::engine::Engine;

/// `planId`, `stepId` → `{ok, kind, recordings: [{planId, stepId, attempt, sha256, at, fault?,
/// case}]}`, newest first, each written once the client has taken the one before; 404 of a kind that is
/// not recorded.
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
    let (first, mut left) = (written(head(&kind))?, recordings.into_iter());
    let Some(newest) = left.next() else {
        return Ok(json(first + "]}"));
    };
    let first = first + &written(serde_json::to_string(&*newest))?;
    let rest = left.map(|recording| match serde_json::to_string(&*recording) {
        Ok(text) => format!(",{text}"),
        Err(error) => {
            tracing::error!("a recording can't be written as JSON: {error}");
            String::new()
        }
    });
    let texts = once(first).chain(rest).chain(once("]}".to_owned()));
    Ok(reader.begin().await?.in_parts(iter(texts)))
}

/// What comes before the recordings.
fn head(kind: &str) -> serde_json::Result<String> {
    let kind = serde_json::to_string(kind)?;
    Ok(format!(r#"{{"ok":true,"kind":{kind},"recordings":["#))
}
