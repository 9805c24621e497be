//! Local edition of brain v2: keeps what it is told, and finds it again by domain and words. As in
//! the real one, a record without content is kept, and spoils every search that comes across it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::fastify::{self, Body, CodedFaults, Fault};
use super::shelf::Shelf;
use super::{js, new_id, now};

const MOST_RECORDS: usize = 10_000;
/// How many records a search answers with, where it doesn't say.
const RESULTS: f64 = 10.0;
/// How important a record is that doesn't say.
const IMPORTANCE: f64 = 0.5;

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
        .route("/event", post(event))
        .with_state(Arc::new(Mutex::new(Shelf::new(MOST_RECORDS))))
}

/// Brain alone lets pages of every origin read its answers, and answers any OPTIONS. Its Fastify is
/// another one than that of the others.
pub(super) fn open(routes: Router) -> Router {
    const ALLOWED: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
    ];
    async fn answer(mut request: Request, next: Next) -> Response {
        request.extensions_mut().insert(CodedFaults);
        let mut answer = if request.method() == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else {
            next.run(request).await
        };
        for (name, value) in ALLOWED {
            let value = HeaderValue::from_static(value);
            answer.headers_mut().insert(name, value);
        }
        answer
    }
    routes.layer(from_fn(answer))
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
    /// Whether a lower-case text occurs in the record. One without content can't be searched, and
    /// of a title only a text can.
    fn has(&self, text: &str) -> Result<bool, Fault> {
        let occurs = |field: Option<&Value>| match field {
            None | Some(Value::Null) => Err(nothing("toLowerCase")),
            Some(Value::String(field)) => Ok(field.to_lowercase().contains(text)),
            Some(_) => Err(Fault::caught("toLowerCase is not a function")),
        };
        let title = self.title.as_ref().filter(|title| !title.is_null());
        Ok(occurs(self.content.as_ref())? || (title.is_some() && occurs(title)?))
    }

    fn importance(&self) -> f64 {
        self.importance.as_f64().unwrap_or(IMPORTANCE)
    }
}

fn nothing(read: &str) -> Fault {
    Fault::caught(&format!(
        "Cannot read properties of undefined (reading '{read}')"
    ))
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
        tags: fields.set("tags").cloned().unwrap_or_else(|| json!([])),
        importance: fields
            .set("importance")
            .cloned()
            .unwrap_or_else(|| json!(IMPORTANCE)),
    };
    let answer = json!({"ok": true, "record": record});
    records.lock().await.put(fields.size, record);
    Ok(Json(answer))
}

/// The most important records come first, and of those the newest.
async fn search(State(records): State<Records>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("domain", Fault::caught)?;
    let query = fields
        .get("query")
        .and_then(Value::as_str)
        .ok_or_else(|| nothing("toLowerCase"))?
        .to_lowercase();
    let domain = fields.given("domain");
    let records = records.lock().await;
    let mut results: Vec<&Record> = Vec::new();
    for record in records.iter() {
        let asked = match (domain, &record.domain) {
            (None, _) => true,
            (Some(domain), Some(of)) => js::same(domain, of),
            (Some(_), None) => false,
        };
        if asked && record.has(&query)? {
            results.push(record);
        }
    }
    results.sort_by(|a, b| {
        let more_important = b.importance().total_cmp(&a.importance());
        more_important.then_with(|| b.ts.cmp(&a.ts))
    });
    results.truncate(limit(fields.get("limit"), results.len()));
    Ok(Json(json!({"ok": true, "results": results})))
}

/// How many of the results to answer with: one below zero leaves so many out at the end.
fn limit(limit: Option<&Value>, found: usize) -> usize {
    let limit = match limit {
        None => RESULTS,
        Some(Value::Number(number)) => number.as_f64().unwrap_or_default(),
        Some(other) => js::text(other).parse().unwrap_or_default(),
    };
    let found = found as f64;
    let end = if limit < 0.0 { found + limit } else { limit };
    // Between nothing and all of them, so nothing is cut off.
    end.clamp(0.0, found) as usize
}

/// Takes an event of brain v1, and keeps nothing of it.
async fn event(body: Body) -> Result<Json<Value>, Fault> {
    let refused = |error, message| {
        Fault::new(
            StatusCode::BAD_REQUEST,
            json!({"error": error, "message": message}),
        )
    };
    let fields = body.fields_if_any();
    let (Some(Value::String(_)), Some(event)) = (fields.get("kind"), fields.given("event")) else {
        return Err(refused("invalid_event", "expected { kind, event }"));
    };
    if !event.get("sessionId").is_some_and(js::truthy) {
        return Err(refused("missing_sessionId", "event.sessionId required"));
    }
    Ok(Json(json!({"ok": true})))
}

async fn all(State(records): State<Records>) -> Json<Value> {
    let records = records.lock().await;
    let records: Vec<&Record> = records.iter().collect();
    Json(json!({"ok": true, "records": records}))
}
