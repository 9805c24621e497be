//! Local edition of simulation: plays a scenario through without doing any of it. A step fails
//! when it, or the goal behind it, asks for something prohibited.

use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault, Fields};
use super::guard;

pub(super) fn routes() -> Router {
    let health = json!({"ok": true, "service": "codex-sim", "version": "1.0.0"});
    Router::new()
        .route("/health", fastify::health(health))
        .route("/sim/run", post(run))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Value>,
    steps: Vec<Step>,
    summary: String,
}

#[derive(Serialize)]
struct Step {
    step: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

async fn run(body: Body) -> Result<Json<Run>, Fault> {
    let fields = body.fields("scenario", Fault::caught)?;
    let goal = fields.text("goal").unwrap_or_default();
    let steps: Vec<Step> = scenario(&fields)
        .into_iter()
        .map(|step| simulate(step, goal))
        .collect();
    let failed = steps.iter().filter(|step| !step.ok).count();
    let summary = if failed == 0 {
        "Simulation completed successfully. All steps reported ok=true.".to_owned()
    } else {
        format!(
            "Simulation completed with {failed} failed step(s). Review step details for more info."
        )
    };
    Ok(Json(Run {
        ok: failed == 0,
        scenario: fields.copy("scenario"),
        session_id: fields.copy("sessionId"),
        steps,
        summary,
    }))
}

/// What the scenario would do; an unknown one does nothing, and so can't fail.
fn scenario(fields: &Fields) -> Vec<String> {
    let niche = fields.text("niche").unwrap_or("undefined");
    let product = fields.text("productName").unwrap_or("Product X");
    match fields.text("scenario") {
        Some("content_only") => vec![format!(
            "Plan and simulate 7 days of TikTok and Shorts content in the {niche} niche. Do not \
             post."
        )],
        Some("store_only") => vec![format!(
            "Plan and simulate launching a simple ecomm store in niche {niche} testing \
             \"{product}\". Do not deploy."
        )],
        Some("social_ecomm_launch") => vec![
            format!(
                "Plan a 7-day strategy to grow TikTok and YouTube Shorts in the {niche} niche and \
                 test product \"{product}\" for ecomm."
            ),
            format!(
                "Simulate generating 5 UGC ad scripts and 5 short-form video ideas for \
                 \"{product}\" in {niche}. Do not actually post."
            ),
            format!(
                "Simulate building a simple 1-product store for \"{product}\" with basic landing \
                 page. Do not deploy."
            ),
            format!(
                "Simulate launching a $5/day paid test across TikTok and Shorts for \
                 \"{product}\". Do not hit real ad APIs."
            ),
        ],
        _ => Vec::new(),
    }
}

fn simulate(step: String, goal: &str) -> Step {
    let prohibited = guard::prohibited(&format!("{step}\n{goal}"));
    let error = (!prohibited.is_empty()).then(|| guard::refusal(&prohibited));
    let details = error.is_none().then(|| json!({"ok": true}));
    Step {
        step,
        ok: error.is_none(),
        details,
        error,
    }
}
