//! The services, which say yes, no, not now or nothing useful as it happens, and write down what
//! they were asked. Two of them write: srl, whose request changes with what autonomy answered and
//! which knows no keys, and workflow, which honours them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Random, Reply, Request, Stub, friendly};

/// What a service was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub service: &'static str,
    pub plan: String,
    pub step: String,
    pub attempt: u64,
    pub key: String,
    pub body: Value,
    pub at: Instant,
    /// Whether it answered that a person has to approve.
    pub wants_approval: bool,
}

/// Everything that any service was asked, in order.
pub type Log = Arc<Mutex<Vec<Asked>>>;

/// The stubs, and where each listens.
pub async fn start(log: &Log, random: &mut Random) -> Vec<(&'static str, Stub)> {
    let mut stubs = Vec::new();
    for (name, usual) in friendly() {
        let (log, mut random) = (Arc::clone(log), random.split());
        let stub = Stub::with(move |request| {
            if name == "brain" || name == "ops" {
                return usual.clone();
            }
            let (reply, wants_approval) = answer(name, &usual, &mut random);
            log.lock()
                .unwrap()
                .push(asked(name, request, wants_approval));
            let slow = random.below(8) == 0;
            reply.after(random.up_to_millis(if slow { 60 } else { 4 }))
        });
        stubs.push((name, stub.await));
    }
    stubs
}

fn asked(service: &'static str, request: &Request, wants_approval: bool) -> Asked {
    let key = request.headers["idempotency-key"].to_str().unwrap();
    let mut parts = key.split('/');
    let mut part = || parts.next().unwrap().to_owned();
    Asked {
        service,
        plan: part(),
        step: part(),
        attempt: part().parse().unwrap(),
        key: key.to_owned(),
        body: request.json(),
        at: Instant::now(),
        wants_approval,
    }
}

/// What it answers, and whether that asks for an approval.
fn answer(service: &str, usual: &Reply, random: &mut Random) -> (Reply, bool) {
    let no = |status| Reply::json(status, &json!({"error": "not today"}));
    match random.below(20) {
        0 => return (no(500), false),
        1 => return (no(503).header("retry-after", "0"), false),
        2 => return (no(503), false),
        _ => {}
    }
    let wants_approval = random.below(2) == 0;
    let suggested = format!("suggestion {}", random.below(3));
    let body = match service {
        "autonomy" => json!({
            "action": if wants_approval { "require_user_approval" } else { "allow" },
            "reasoning": "who knows",
            "suggestedNextSteps": [suggested],
        }),
        "srl" | "hardening" => json!({
            "ok": true,
            "allowExecution": random.below(12) != 0,
            "requireApproval": wants_approval,
            "summary": "who knows",
        }),
        _ => return (usual.clone(), false),
    };
    let blocked = body["allowExecution"] == false;
    (Reply::json(200, &body), wants_approval && !blocked)
}

/// Long enough for a client to change its mind.
pub fn hang_up(random: &mut Random) -> Duration {
    random.up_to_millis(6)
}
