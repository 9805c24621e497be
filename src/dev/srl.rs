//! Local edition of srl (self-regulation): is the goal clear, do the planned actions loop. It
//! stops nothing, as the real one: the self-audit that could is never so grave.

use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault, Fields};
use super::findings::{self, Finding, Level, Scale, Verdict};
use super::js;

/// A shorter goal says too little.
const CLEAR_LENGTH: usize = 8;

const SCALE: Scale = Scale {
    nothing: "No issues detected.",
    clean: 0.9,
    warned: 0.6,
    stopped: 0.2,
};

pub(super) fn routes() -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-srl",
        "version": "1.0.0",
        "mode": "SEMI_AUTONOMOUS",
    });
    Router::new()
        .route("/health", fastify::health(health))
        .route("/srl/check", post(check))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Value>,
    #[serde(flatten)]
    verdict: Verdict,
    findings: Vec<Finding>,
}

async fn check(body: Body) -> Result<Json<Check>, Fault> {
    let fields = body.fields("sessionId", Fault::caught)?;
    let findings = find(&fields)?;
    Ok(Json(Check {
        ok: true,
        session_id: fields.copy("sessionId"),
        domain: fields.copy("domain"),
        verdict: findings::judge(&findings, &SCALE),
        findings,
    }))
}

fn find(fields: &Fields) -> Result<Vec<Finding>, Fault> {
    let goal = match fields.given("contentSummary") {
        None => "",
        Some(Value::String(goal)) => goal,
        Some(_) => return Err(Fault::caught("ctx.goal.trim is not a function")),
    };
    let mut findings = Vec::new();
    if js::text_length(js::trim(goal)) < CLEAR_LENGTH {
        findings.push(Finding {
            kind: "UNCLEAR_OBJECTIVE",
            level: Level::Warn,
            message: "Goal is missing or too vague for safe autonomous execution.".to_owned(),
        });
    }
    let actions: &[Value] = match fields.given("plannedActions") {
        None => &[],
        Some(Value::Array(actions)) => actions,
        Some(_) => return Err(Fault::caught("actions.filter is not a function")),
    };
    if findings::repeat(actions) {
        let message =
            "Planned actions show repeated identical steps, indicating possible loop behavior.";
        findings.push(Finding {
            kind: "LOOP_RISK",
            level: Level::Warn,
            message: message.to_owned(),
        });
    }
    Ok(findings)
}
