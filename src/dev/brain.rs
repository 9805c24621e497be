//! Local edition of brain v2: keeps what it is told, and finds it again by domain and words. A
//! record without content is kept as the real service keeps it, but does not spoil searches.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::fastify::{self, Body, Fault};
use super::shelf::Shelf;
use super::{new_id, now};

const MOST_RECORDS: usize = 10_000;
/// How many records a search answers with, where it doesn't say.
const RESULTS: usize = 20;

type Records = Arc<Mutex<Shelf<Record>>>;

pub(super) fn routes() -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-brain",
        "version": "2.0.0",
        "capabilities": ["writeMemory", "searchMemory", "domainStreams"],
    });
    Router::new()
        .route(
            "/health",
            fastify::health(json!({"ok": true, "service": "codex-brain"})),
        )
        .route("/v2/health", fastify::health(health))
        .route("/v2/memory/write", post(write))
        .route("/v2/memory/search", post(search))
        .route("/v2/memory/all", get(all))
        .with_state(Arc::new(Mutex::new(Shelf::new(MOST_RECORDS))))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Value>,
    ts: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Value>,
    tags: Value,
    importance: Value,
}

impl Record {
    /// Whether a lower-case text occurs in the record.
    fn has(&self, text: &str) -> bool {
        let own = [&self.title, &self.content].into_iter().flatten();
        let tags = self.tags.as_array().into_iter().flatten();
        own.chain(tags)
            .filter_map(Value::as_str)
            .any(|field| field.to_lowercase().contains(text))
    }
}

async fn write(State(records): State<Records>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("domain", Fault::caught)?;
    let record = Record {
        id: new_id(),
        domain: fields.copy("domain"),
        session_id: fields.copy("sessionId"),
        ts: now(),
        title: fields.copy("title"),
        content: fields.copy("content"),
        tags: fields.copy("tags").unwrap_or_else(|| json!([])),
        importance: fields.copy("importance").unwrap_or_else(|| json!(0.5)),
    };
    let answer = json!({"ok": true, "record": record});
    records.lock().await.put(fields.size, record);
    Ok(Json(answer))
}

async fn search(State(records): State<Records>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("domain", Fault::caught)?;
    let query = fields.get("query").and_then(Value::as_str).ok_or_else(|| {
        Fault::caught("Cannot read properties of undefined (reading 'toLowerCase')")
    })?;
    let query = query.to_lowercase();
    let domain = fields.given("domain");
    let limit = fields.given("limit").and_then(Value::as_u64);
    let limit = limit.map_or(RESULTS, |limit| {
        usize::try_from(limit).unwrap_or(MOST_RECORDS)
    });
    let records = records.lock().await;
    let results: Vec<&Record> = records
        .iter()
        .rev()
        .filter(|record| domain.is_none() || record.domain.as_ref() == domain)
        .filter(|record| record.has(&query))
        .take(limit)
        .collect();
    Ok(Json(json!({"ok": true, "results": results})))
}

async fn all(State(records): State<Records>) -> Json<Value> {
    let records = records.lock().await;
    let records: Vec<&Record> = records.iter().collect();
    Json(json!({"ok": true, "records": records}))
}
