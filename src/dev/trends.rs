//! Local edition of trends: topics of one platform or all, surest first. Its answer to anything
//! but fitness is the niche again, in other words.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault, Fields};
use super::now;
use super::topics::{self, Topic};

/// The platform that stands for every one.
const ALL: &str = "all";
/// From so many topics on a niche is hot.
const HOT: usize = 5;
/// How many topics a summary names.
const NAMED: usize = 3;

pub(super) fn routes() -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-trends",
        "version": "1.0.0",
        "description": "Trend Engine - Multi-platform trend scanner",
    });
    Router::new()
        .route("/health", fastify::health(health))
        .route("/trends/summary", post(summary))
        .route("/trends/query", post(query))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    ok: bool,
    summary: String,
    items: Vec<Topic>,
    generated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    ok: bool,
    query: Fields,
    items: Vec<Topic>,
    generated_at: String,
}

async fn summary(body: Body) -> Result<Json<Summary>, Fault> {
    let (fields, items) = search(body)?;
    let said = |key| fields.get(key).map_or_else(String::new, super::js::text);
    Ok(Json(Summary {
        ok: true,
        summary: told(&said("platform"), &said("niche"), &items),
        items,
        generated_at: now(),
    }))
}

async fn query(body: Body) -> Result<Json<Query>, Fault> {
    let (query, items) = search(body)?;
    Ok(Json(Query {
        ok: true,
        query,
        items,
        generated_at: now(),
    }))
}

/// What is asked for, and the topics.
fn search(body: Body) -> Result<(Fields, Vec<Topic>), Fault> {
    let fields = body.fields("sessionId", Fault::caught)?;
    let required = |key| fields.given(key).ok_or_else(incomplete);
    required("sessionId")?;
    let items = items(required("platform")?, required("niche")?)?;
    Ok((fields, items))
}

fn incomplete() -> Fault {
    let error = "Missing required fields: sessionId, platform, niche";
    Fault::refused(StatusCode::BAD_REQUEST, error)
}

/// Of an unknown platform there are no topics. A niche that is no text fails the platform that is
/// asked for; where all are, the failure of each leaves nothing.
fn items(platform: &Value, niche: &Value) -> Result<Vec<Topic>, Fault> {
    const KNOWN: [&str; 4] = ["tiktok", "youtube", "instagram", "google"];
    let platform = platform.as_str().unwrap_or_default();
    match niche.as_str() {
        Some(niche) => {
            let mut topics = topics::of(niche);
            topics.retain(|topic| platform == ALL || platform == topic.platform);
            Ok(topics)
        }
        None if KNOWN.contains(&platform) => {
            Err(Fault::caught("niche.toLowerCase is not a function"))
        }
        None => Ok(Vec::new()),
    }
}

/// What a summary of all platforms says of a niche: strategy asks for it.
pub(super) fn context(niche: &str) -> String {
    told(ALL, niche, &topics::of(niche))
}

fn told(platform: &str, niche: &str, items: &[Topic]) -> String {
    if items.is_empty() {
        return format!("No significant trends found for \"{niche}\" on {platform}.");
    }
    let activity = if items.len() >= HOT {
        "hot"
    } else {
        "moderately active"
    };
    let place = if platform == ALL {
        let mut platforms: Vec<&str> = Vec::new();
        for item in items {
            if !platforms.contains(&item.platform) {
                platforms.push(item.platform);
            }
        }
        format!("across {}", platforms.join(", "))
    } else {
        format!("on {platform}")
    };
    let named: Vec<&str> = items
        .iter()
        .take(NAMED)
        .map(|item| item.topic.as_str())
        .collect();
    format!(
        "{niche} niche is {activity} {place}. Top topics: {}.",
        named.join(", ")
    )
}
