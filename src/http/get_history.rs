//! `GET /mesh/history?id=`: every change of a plan, a page at a time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::error::HttpError;
use super::page::{List, Written, page};
use super::query::Parameters;
use super::reader::Reader;
use crate::engine::Engine;
use crate::store::{Position, StoreError};

/// Changes on one page at the most. Those of ordinary steps are smaller than a page together.
const LIMIT: usize = 10_000;

/// `id`, `limit`, `cursor` → `{ok, history: [{at, actor, transition, step?, status, attempt?, requests?,
/// durationMs?, error?}], unreadable?: [error], nextCursor?}`, oldest first, or 404.
pub(super) async fn get_history(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, HttpError> {
    let id = parameters
        .get("id")
        .ok_or_else(|| HttpError::bad("id is required"))?
        .to_owned();
    let cursor = parameters.parse("cursor", cursor)?;
    let limit = parameters.limit(LIMIT)?.unwrap_or(LIMIT);
    let reading = reader.begin().await?;
    page(Changes { engine, id }, cursor, limit, reading).await
}

/// The changes of a plan.
struct Changes {
    engine: Arc<Engine>,
    id: String,
}

impl List for Changes {
    type Cursor = Position;

    const NAME: &'static str = "history";

    async fn part(
        &self,
        after: Option<Position>,
        most: usize,
    ) -> Result<Written<Position>, StoreError> {
        let after = after.unwrap_or_default();
        let part = self.engine.store.history(&self.id, after, most).await?;
        Written::new(part, |entry| serde_json::to_string(&entry))
    }

    fn shown(&self, cursor: &Position) -> String {
        format!("{}-{}", cursor.row, cursor.entries)
    }
}

fn cursor(text: &str) -> Result<Position, String> {
    let position = text.split_once('-').and_then(|(row, entries)| {
        Some(Position {
            row: row.parse().ok()?,
            entries: entries.parse().ok()?,
        })
    });
    position.ok_or_else(|| "must be the nextCursor of the page before".to_owned())
}
