//! Local edition of hardening: are the services on its list up and quick, and do the planned
//! actions loop. Of the list it looks at those that are configured. Which services a plan involves
//! doesn't matter to it, as it doesn't to the real one.

use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fastify::{self, Body, Fault, Fields};
use super::findings::{self, Finding, Level, Scale, Verdict};
use super::js;
use super::peers::{Health, Peers};

/// The services that the real one looks at.
const LIST: [&str; 9] = [
    "orchestrator",
    "brain",
    "ops",
    "telemetry",
    "stability",
    "srl",
    "selfAudit",
    "crossval",
    "optimizer",
];

/// A service slower than this gets a warning.
const SLOW: Duration = Duration::from_millis(3000);
/// Longer than [`SLOW`], so that a slow service is told from a dead one, and longer than ops
/// waits for its own probes, so that one dead service doesn't make ops look dead too.
const PROBE_LIMIT: Duration = Duration::from_secs(4);

const SCALE: Scale = Scale {
    nothing: "No hardening issues detected.",
    clean: 0.95,
    warned: 0.7,
    stopped: 0.3,
};

pub(super) fn routes(peers: &Peers) -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-hardening",
        "version": "1.0.0",
        "mode": "ULTRA_HARDENED",
    });
    Router::new()
        .route("/health", fastify::health(health))
        .route("/hardening/check", post(check))
        .with_state(peers.clone())
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
    issues: Vec<Finding>,
}

async fn check(State(peers): State<Peers>, body: Body) -> Result<Json<Check>, Fault> {
    let fields = body.fields("plannedActions", Fault::caught)?;
    let actions = actions(&fields)?;
    let found = peers.probe(&LIST, PROBE_LIMIT).await;
    let mut issues: Vec<Finding> = found.iter().filter_map(issue).collect();
    if findings::repeat(actions) {
        let message = "Potential loop risk: same action repeated many times back-to-back.";
        issues.push(Finding {
            kind: "LOOP_RISK",
            level: Level::Warn,
            message: message.to_owned(),
        });
    }
    Ok(Json(Check {
        ok: true,
        session_id: fields.copy("sessionId"),
        domain: fields.copy("domain"),
        verdict: findings::judge(&issues, &SCALE),
        issues,
    }))
}

/// The planned actions. What is shorter than a loop is not looked at, whatever it is.
fn actions(fields: &Fields) -> Result<&[Value], Fault> {
    const SHORTEST: usize = 4;
    match fields.given("plannedActions") {
        None => Ok(&[]),
        Some(Value::Array(actions)) => Ok(actions),
        Some(short) if js::length(short).is_some_and(|length| length < SHORTEST) => Ok(&[]),
        Some(_) => Err(Fault::caught("plannedActions.filter is not a function")),
    }
}

fn issue(health: &Health) -> Option<Finding> {
    let name = &health.name;
    if health.error.is_some() {
        return Some(Finding {
            kind: "SERVICE_DOWN",
            level: Level::Critical,
            message: format!("Service {name} is not healthy."),
        });
    }
    (health.latency > SLOW).then(|| Finding {
        kind: "HIGH_LATENCY",
        level: Level::Warn,
        message: format!(
            "Service {name} has high latency: {}ms.",
            health.latency.as_millis()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_a_warning_from_just_over_three_seconds() {
        let after = |ms| Health {
            name: "brain".to_owned(),
            port: None,
            latency: Duration::from_millis(ms),
            error: None,
        };
        assert!(issue(&after(3000)).is_none());
        let slow = issue(&after(3204)).map(|finding| (finding.kind, finding.message));
        let message = "Service brain has high latency: 3204ms.".to_owned();
        assert_eq!(slow, Some(("HIGH_LATENCY", message)));
    }
}
