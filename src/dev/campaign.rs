//! Local edition of campaign: keeps campaigns as the drafts they are created as. It runs none, and
//! spends nothing.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::fastify::{self, Body, Fault};
use super::shelf::Shelf;
use super::{new_id, now};

const MOST_CAMPAIGNS: usize = 1_000;

type Campaigns = Arc<Mutex<Shelf<Campaign>>>;

pub(super) fn routes() -> Router {
    let health = json!({"ok": true, "service": "codex-campaign", "version": "1.0.0"});
    // A GET of the verb's path asks for a campaign of that name, and there is none.
    Router::new()
        .route("/health", fastify::health(health))
        .route("/campaign/create", post(create).get(missing))
        .route("/campaign/{id}", get(one))
        .route("/campaigns", get(all))
        .with_state(Arc::new(Mutex::new(Shelf::new(MOST_CAMPAIGNS))))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Campaign {
    id: String,
    name: Value,
    #[serde(rename = "type")]
    kind: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_id: Option<Value>,
    target: Value,
    goal: Value,
    status: &'static str,
    created_at: String,
}

async fn create(State(campaigns): State<Campaigns>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("name", Fault::caught)?;
    let required = |key| fields.given(key).cloned().ok_or_else(incomplete);
    let campaign = Campaign {
        id: new_id(),
        name: required("name")?,
        kind: required("type")?,
        product_name: fields.copy("productName"),
        store_id: fields.copy("storeId"),
        target: required("target")?,
        goal: required("goal")?,
        status: "DRAFT",
        created_at: now(),
    };
    let answer = json!({"ok": true, "campaign": campaign});
    campaigns.lock().await.put(fields.size, campaign);
    Ok(Json(answer))
}

fn incomplete() -> Fault {
    let error = "Missing required fields: name, type, target, goal";
    Fault::refused(StatusCode::BAD_REQUEST, error)
}

async fn one(
    State(campaigns): State<Campaigns>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let campaigns = campaigns.lock().await;
    match campaigns.iter().find(|campaign| campaign.id == id) {
        Some(campaign) => Ok(Json(json!({"ok": true, "campaign": campaign}))),
        None => Err(missing().await),
    }
}

async fn missing() -> Fault {
    Fault::refused(StatusCode::NOT_FOUND, "Not found")
}

async fn all(State(campaigns): State<Campaigns>) -> Json<Value> {
    let campaigns = campaigns.lock().await;
    let campaigns: Vec<&Campaign> = campaigns.iter().collect();
    Json(json!({"ok": true, "campaigns": campaigns}))
}
