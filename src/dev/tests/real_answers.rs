//! Asks the local editions what all of the real services were asked while they ran together, and
//! compares the decisions: the status, the type of the answer, and what `decisions` compares.

use std::path::Path;

use serde_json::Value;

use super::decisions::difference;
use super::{Call, Services};

const FILE: &str = "real-answers.json";
const CALLS: usize = 243;

/// Calls that are left out on purpose: name and reason.
const LEFT_OUT: [(&str, &str); 0] = [];

#[tokio::test]
async fn local_editions_decide_as_the_real_services_did() {
    let services = Services::start().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let text = std::fs::read_to_string(path.join(FILE)).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    let calls = recording["calls"].as_array().unwrap();
    assert_eq!(calls.len(), CALLS);
    let mut differences = Vec::new();
    for call in calls {
        let name = call["name"].as_str().unwrap();
        if LEFT_OUT.iter().any(|(left_out, _)| *left_out == name) {
            continue;
        }
        if let Some(difference) = ask(&services, call).await {
            differences.push(format!("{name}: {difference}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {CALLS} calls differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// How our answer to a call differs from the recorded one.
async fn ask(services: &Services, call: &Value) -> Option<String> {
    let (request, recorded) = (&call["request"], &call["response"]);
    let ours = services
        .answer(
            call["service"].as_str().unwrap(),
            Call {
                method: request["method"].as_str().unwrap(),
                path: request["path"].as_str().unwrap(),
                content_type: match (&request["body"], &request["contentType"]) {
                    (Value::Null, kind) => kind.as_str(),
                    _ => Some("application/json"),
                },
                body: match &request["body"] {
                    Value::Null => request["raw"].as_str().map(str::to_owned),
                    body => Some(body.to_string()),
                },
            },
        )
        .await;
    if recorded["status"] != ours.status {
        return Some(format!(
            "status {} and not {}",
            recorded["status"], ours.status
        ));
    }
    if recorded["contentType"].as_str() != ours.content_type.as_deref() {
        return Some(format!("answered as {:?}", ours.content_type));
    }
    match recorded.get("body") {
        Some(body) => difference(body, &ours.json()),
        None => (recorded["text"] != ours.text).then(|| format!("answered {:?}", ours.text)),
    }
}
