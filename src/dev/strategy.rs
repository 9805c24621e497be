//! Local edition of strategy: picks plays by domain. A play that needs more days than the plan
//! has is left out, and those that share words with the goal come first.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault};
use super::plays::{PLAYS, Play};
use super::words::Words;
use super::{new_id, now};

pub(super) fn routes() -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-strategy",
        "version": "1.0.0",
        "description": "Strategic Intelligence Layer",
    });
    Router::new()
        .route("/health", fastify::health(health))
        .route("/strategy/plan", post(plan))
}

#[derive(Serialize)]
struct Answer {
    ok: bool,
    plan: Plan,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    id: String,
    session_id: Value,
    domains: Vec<Value>,
    goal: Value,
    horizon_days: Value,
    plays: Vec<&'static Play>,
    created_at: String,
    source_models: [&'static str; 1],
}

async fn plan(body: Body) -> Result<Json<Answer>, Fault> {
    let fields = body.fields("sessionId", Fault::caught)?;
    let required = |key| fields.given(key).ok_or_else(incomplete);
    let (session_id, domains) = (required("sessionId")?, required("domain")?);
    let (goal, horizon_days) = (required("goal")?, required("horizonDays")?);
    let domains = domains
        .as_array()
        .ok_or_else(|| Fault::caught("q.domain.join is not a function"))?;
    let plan = Plan {
        id: format!("plan-{}", new_id()),
        session_id: session_id.clone(),
        domains: domains.clone(),
        goal: goal.clone(),
        horizon_days: horizon_days.clone(),
        plays: plays(domains, goal, horizon_days),
        created_at: now(),
        source_models: ["rules"],
    };
    Ok(Json(Answer { ok: true, plan }))
}

fn incomplete() -> Fault {
    let error = "Missing required fields: sessionId, domain, goal, horizonDays";
    Fault::refused(StatusCode::BAD_REQUEST, error)
}

fn plays(domains: &[Value], goal: &Value, horizon: &Value) -> Vec<&'static Play> {
    let words = Words::of(goal.as_str().unwrap_or_default());
    let days = horizon.as_f64();
    let mut plays: Vec<&Play> = PLAYS
        .iter()
        .filter(|play| domains.iter().any(|domain| domain == play.domain))
        .filter(|play| days.is_none_or(|days| f64::from(play.days) <= days))
        .collect();
    plays.sort_by_cached_key(|play| std::cmp::Reverse(words.shared(play.description)));
    plays
}
