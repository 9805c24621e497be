//! Who watches sees every transition once and in order, as it happens, and after a disconnection
//! goes on where they were. A client that does not read costs nothing.

mod feed;
mod limits;
mod order;
mod resume;
mod slow;

use serde_json::{Value, json};

use crate::support::{Seen, TestApp};

/// The query of a plan's stream.
fn of(plan: &Value) -> String {
    format!("?id={}", plan["id"].as_str().unwrap())
}

/// What the stream of a plan must tell: its history, without what had come of steps that went back.
async fn told(app: &TestApp, plan: &Value) -> Vec<Value> {
    let (status, answer) = app.get(&format!("/mesh/history{}", of(plan))).await;
    assert_eq!(status, 200, "{answer}");
    let mut entries = answer["history"].as_array().unwrap().clone();
    for entry in &mut entries {
        let entry = entry.as_object_mut().unwrap();
        entry.remove("result");
        entry.insert("planId".to_owned(), plan["id"].clone());
    }
    entries
}

fn data(seen: &[Seen]) -> Vec<Value> {
    seen.iter().map(|seen| seen.data.clone()).collect()
}

fn lines(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(Seen::line).collect()
}

/// Numbers grow, and the last event has one.
fn assert_numbered(seen: &[Seen]) {
    let ids: Vec<i64> = seen.iter().filter_map(|seen| seen.id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert_eq!(seen.last().unwrap().id, ids.last().copied());
}

/// The host drives the plan to its end.
async fn run(app: &TestApp, plan: &Value) {
    let (status, answer) = app.post("/mesh/run", &json!({"planId": plan["id"]})).await;
    assert_eq!(status, 200, "{answer}");
}

fn is_done(seen: &Seen) -> bool {
    seen.data["planStatus"] == "DONE"
}
