//! Local edition of trends: picks topics by platform. Those that share words with the niche come
//! first, and are what it is most confident of.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;

use super::fastify::{self, Body, Fault};
use super::now;
use super::topics::{TOPICS, Topic};
use super::words::Words;

/// The platform that stands for every one.
const ALL: &str = "all";
/// How many topics one answer has.
const MOST_ITEMS: usize = 5;

pub(super) fn routes() -> Router {
    let health = json!({"ok": true, "service": "codex-trends", "version": "1.0.0"});
    Router::new()
        .route("/health", fastify::health(health))
        .route("/trends/summary", post(summary))
        .route("/trends/query", post(summary))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    ok: bool,
    summary: String,
    items: Vec<Item>,
    generated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(flatten)]
    topic: &'static Topic,
    confidence: f64,
}

async fn summary(body: Body) -> Result<Json<Answer>, Fault> {
    let fields = body.fields("sessionId", Fault::caught)?;
    let required = |key| fields.given(key).ok_or_else(incomplete);
    required("sessionId")?;
    let platform = required("platform")?.as_str().unwrap_or_default();
    let niche = required("niche")?
        .as_str()
        .ok_or_else(|| Fault::caught("niche.toLowerCase is not a function"))?;
    let items = items(platform, niche);
    Ok(Json(Answer {
        ok: true,
        summary: told(platform, niche, &items),
        items,
        generated_at: now(),
    }))
}

fn incomplete() -> Fault {
    let error = "Missing required fields: sessionId, platform, niche";
    Fault::refused(StatusCode::BAD_REQUEST, error)
}

/// The topics of the platform, those closest to the niche first. Of an unknown platform there
/// are none.
fn items(platform: &str, niche: &str) -> Vec<Item> {
    let words = Words::of(niche);
    let mut found: Vec<(usize, &Topic)> = TOPICS
        .iter()
        .filter(|topic| platform == ALL || platform == topic.platform)
        .map(|topic| (words.shared(&topic.text()), topic))
        .collect();
    found.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    let item = |(shared, topic)| Item {
        topic,
        confidence: confidence(shared),
    };
    found.into_iter().take(MOST_ITEMS).map(item).collect()
}

/// From 0.4 for a topic that is merely popular, up to 0.9.
fn confidence(shared: usize) -> f64 {
    match shared {
        0 => 0.4,
        1 => 0.6,
        2 => 0.8,
        _ => 0.9,
    }
}

fn told(platform: &str, niche: &str, items: &[Item]) -> String {
    match items.first() {
        None => format!("Nothing is known to trend on {platform}."),
        Some(first) => format!(
            "{} trends on {platform} for {niche}, first of all: {}.",
            items.len(),
            first.topic.topic
        ),
    }
}
