//! Local edition of simulation: says what a scenario would do, and does none of it. The real one
//! has its orchestrator do it.

use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault, Fields};
use super::js;

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
    summary: &'static str,
}

#[derive(Serialize)]
struct Step {
    step: String,
    ok: bool,
    details: Value,
}

async fn run(body: Body) -> Result<Json<Run>, Fault> {
    let fields = body.fields("scenario", Fault::caught)?;
    let steps = scenario(&fields).into_iter().map(|step| Step {
        step,
        ok: true,
        details: json!({"ok": true}),
    });
    Ok(Json(Run {
        ok: true,
        scenario: fields.copy("scenario"),
        session_id: fields.copy("sessionId"),
        steps: steps.collect(),
        summary: "Simulation completed successfully. All steps reported ok=true.",
    }))
}

/// What the scenario would do; an unknown one does nothing, and so can't fail.
fn scenario(fields: &Fields) -> Vec<String> {
    let text = |value: Option<&Value>, otherwise: &str| {
        value.map_or_else(|| otherwise.to_owned(), js::text)
    };
    let niche = text(fields.get("niche"), "undefined");
    let product = text(fields.set("productName"), "Product X");
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
