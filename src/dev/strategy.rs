//! Local edition of strategy: the plays of every domain's playbook, what each model suggests for
//! the first domain, and what trends says of the niche that the goal names.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault};
use super::guard::has_any;
use super::plays::{MODELS, PLAYBOOK, Play, SUGGESTED};
use super::{js, new_id, now, trends};

/// The niche of a goal that has one of the words.
const NICHES: [([&str; 2], &str); 5] = [
    (["fitness", "workout"], "home fitness"),
    (["food", "recipe"], "food"),
    (["tech", "gadget"], "tech"),
    (["fashion", "style"], "fashion"),
    (["beauty", "makeup"], "beauty"),
];
const NO_NICHE: &str = "general";

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
    plays: Vec<Chosen>,
    created_at: String,
    source_models: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend_context: Option<String>,
}

/// A play under the name that the plan has for it.
#[derive(Serialize)]
struct Chosen {
    id: String,
    #[serde(flatten)]
    play: &'static Play,
}

async fn plan(body: Body) -> Result<Json<Answer>, Fault> {
    let fields = body.fields("sessionId", Fault::caught)?;
    let required = |key| fields.given(key).ok_or_else(incomplete);
    let (session_id, domains) = (required("sessionId")?, required("domain")?);
    let (goal, horizon_days) = (required("goal")?, required("horizonDays")?);
    let domains = domains
        .as_array()
        .ok_or_else(|| Fault::caught("q.domain.join is not a function"))?;
    let (plays, source_models) = plays(domains);
    let plan = Plan {
        id: format!("plan-{}", new_id()),
        session_id: session_id.clone(),
        domains: domains.clone(),
        goal: goal.clone(),
        horizon_days: horizon_days.clone(),
        plays,
        created_at: now(),
        source_models,
        trend_context: goal.as_str().map(|goal| trends::context(niche(goal))),
    };
    Ok(Json(Answer { ok: true, plan }))
}

fn incomplete() -> Fault {
    let error = "Missing required fields: sessionId, domain, goal, horizonDays";
    Fault::refused(StatusCode::BAD_REQUEST, error)
}

fn niche(goal: &str) -> &'static str {
    let goal = goal.to_lowercase();
    let found = NICHES.iter().find(|(words, _)| has_any(&goal, words));
    found.map_or(NO_NICHE, |(_, niche)| niche)
}

/// The playbooks in the order of the domains, then what every model suggests for the first
/// domain. Where that is nothing, the models don't count as asked.
fn plays(domains: &[Value]) -> (Vec<Chosen>, Vec<String>) {
    let of = |plays: &'static [Play], domain: &Value| {
        let domain = js::text(domain);
        plays.iter().filter(move |play| play.domain == domain)
    };
    let mut chosen: Vec<Chosen> = domains
        .iter()
        .flat_map(|domain| of(&PLAYBOOK, domain))
        .map(|play| Chosen {
            id: play.id.to_owned(),
            play,
        })
        .collect();
    let own = chosen.len();
    if let Some(first) = domains.first() {
        for (_, model) in MODELS {
            let suggested = of(&SUGGESTED, first);
            chosen.extend(suggested.map(|play| Chosen {
                id: format!("{model}-{}", play.id),
                play,
            }));
        }
    }
    let models = if chosen.len() == own {
        vec!["stub".to_owned()]
    } else {
        MODELS
            .iter()
            .map(|(maker, model)| format!("{maker}/{model}"))
            .collect()
    };
    (chosen, models)
}
