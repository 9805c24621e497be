//! Answers recorded from the real services.

use serde_json::Value;

use super::Reply;

/// The answer recorded under this name in `tests/traces/`.
pub fn recorded(file: &str, name: &str) -> Reply {
    let calls = calls(file);
    let call = calls
        .iter()
        .find(|call| call["name"] == name && call["response"].is_object())
        .unwrap_or_else(|| panic!("{file} has no answered call named {name}"));
    reply(&call["response"])
}

/// Every good answer in this file to a call whose name begins so.
pub fn recorded_all(file: &str, prefix: &str) -> Vec<Reply> {
    let calls = calls(file);
    let named = calls.iter().filter(|call| {
        call["name"]
            .as_str()
            .is_some_and(|name| name.starts_with(prefix))
    });
    let replies: Vec<Reply> = named
        .map(|call| &call["response"])
        .filter(|answer| answer["status"] == 200)
        .map(reply)
        .collect();
    assert!(!replies.is_empty(), "{file} has no answer to {prefix}…");
    replies
}

fn calls(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/traces/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let trace: Value = serde_json::from_str(&text).unwrap();
    trace["calls"].as_array().unwrap().clone()
}

fn reply(answer: &Value) -> Reply {
    let headers = &answer["headers"]["content-type"];
    let content_type = headers.as_str().or(answer["contentType"].as_str());
    let body = match answer["body_raw"].as_str() {
        Some(raw) => raw.to_owned(),
        None => answer["body"].to_string(),
    };
    Reply::new(
        u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
        content_type.unwrap_or(""),
        &body,
    )
}
