//! Answers recorded from the real services.

use serde_json::Value;

use super::Reply;

/// The answer recorded under this name in `tests/traces/`.
pub fn recorded(file: &str, name: &str) -> Reply {
    let path = format!("{}/tests/traces/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let trace: Value = serde_json::from_str(&text).unwrap();
    let calls = trace["calls"].as_array().unwrap();
    let call = calls
        .iter()
        .find(|call| call["name"] == name && call["response"].is_object())
        .unwrap_or_else(|| panic!("{path} has no answered call named {name}"));
    let answer = &call["response"];
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
