//! Local edition of campaign: keeps campaigns as the drafts they are created as, whatever they
//! say, and marks them as planned. It runs none, and spends nothing.

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
    // A GET of a verb's path asks for a campaign of that name, and there is none.
    Router::new()
        .route("/health", fastify::health(health))
        .route("/campaign/create", post(create).get(missing))
        .route("/campaign/plan", post(plan).get(missing))
        .route("/campaign/{id}", get(one))
        .route("/campaigns", get(all))
        .with_state(Arc::new(Mutex::new(Shelf::new(MOST_CAMPAIGNS))))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Campaign {
    id: String,
    #[serde(flatten)]
    brief: Brief,
    /// What the real one has its creative engine make.
    creatives: [Value; 0],
    status: &'static str,
    created_at: String,
    updated_at: String,
}

/// What a request says of a campaign. Nothing of it has to be there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brief {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Value>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Value>,
}

async fn create(State(campaigns): State<Campaigns>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("name", Fault::uncaught)?;
    let created_at = now();
    let campaign = Campaign {
        id: new_id(),
        brief: Brief {
            name: fields.copy("name"),
            kind: fields.copy("type"),
            product_name: fields.copy("productName"),
            store_id: fields.copy("storeId"),
            target: fields.copy("target"),
            goal: fields.copy("goal"),
        },
        creatives: [],
        status: "DRAFT",
        updated_at: created_at.clone(),
        created_at,
    };
    let answer = json!({"ok": true, "campaign": campaign});
    campaigns.lock().await.put(fields.size, campaign);
    Ok(Json(answer))
}

/// A campaign without a goal or a target can't be planned, and the service doesn't see it coming.
async fn plan(State(campaigns): State<Campaigns>, body: Body) -> Result<Json<Value>, Fault> {
    let fields = body.fields("campaignId", Fault::uncaught)?;
    let id = fields.text("campaignId");
    let mut campaigns = campaigns.lock().await;
    let campaign = campaigns
        .find_mut(|campaign| Some(campaign.id.as_str()) == id)
        .ok_or_else(|| Fault::refused(StatusCode::NOT_FOUND, "Campaign not found"))?;
    for (part, read) in [
        (&campaign.brief.goal, "durationDays"),
        (&campaign.brief.target, "niche"),
    ] {
        let nothing = match part {
            None => "undefined",
            Some(Value::Null) => "null",
            Some(_) => continue,
        };
        let message = format!("Cannot read properties of {nothing} (reading '{read}')");
        return Err(Fault::uncaught(&message));
    }
    campaign.status = "PLANNED";
    campaign.updated_at = now();
    Ok(Json(json!({"ok": true, "campaign": campaign})))
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
