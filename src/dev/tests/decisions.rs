//! What two answers have to agree in to be the same decision: the fields, their types, how many
//! there are in a list, and every value but ids, times, confidences and wording.

use serde_json::Value;

/// What differs from run to run, and what is only told: compared by its type and, in lists, by how
/// many there are.
const TOLD: [&str; 27] = [
    "id",
    "taskId",
    "ts",
    "createdAt",
    "updatedAt",
    "generatedAt",
    "timestamp",
    "uptime",
    "latency",
    "port",
    "confidence",
    "estimatedDuration",
    "reasoning",
    "thought",
    "summary",
    "message",
    "rationale",
    "examples",
    "metricSummary",
    "trendContext",
    "dependencies",
    "parallelizableSteps",
    "criticalPath",
    // Its keys are ids.
    "dependencyGraph",
    // What the orchestrator did for a step of a simulation.
    "details",
    // Of a service that is down.
    "services.error",
    "details.error",
];

/// Why the answers are not the same decision.
pub(super) fn difference(theirs: &Value, ours: &Value) -> Option<String> {
    differ("", theirs, ours)
}

fn differ(at: &str, theirs: &Value, ours: &Value) -> Option<String> {
    match (theirs, ours) {
        (Value::Object(_), Value::Object(_)) if at == "dependencyGraph" || at == "details" => None,
        (Value::Object(theirs), Value::Object(ours)) => {
            let (a, b): (Vec<_>, Vec<_>) = (theirs.keys().collect(), ours.keys().collect());
            if a != b {
                return Some(format!("{at}: recorded are the fields {a:?}, not {b:?}"));
            }
            theirs
                .iter()
                .find_map(|(key, theirs)| differ(&named(at, key), theirs, &ours[key]))
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if theirs.len() != ours.len() {
                return Some(format!(
                    "{at}: {} recorded, not {}",
                    theirs.len(),
                    ours.len()
                ));
            }
            let mut both = theirs.iter().zip(ours);
            both.find_map(|(theirs, ours)| differ(at, theirs, ours))
        }
        _ if TOLD.contains(&at) => {
            let (a, b) = (kind(theirs), kind(ours));
            (a != b).then(|| format!("{at}: recorded is a {a}, not a {b}"))
        }
        (Value::String(theirs), Value::String(_)) if thrown(at, theirs) => None,
        _ => (number(theirs) != number(ours))
            .then(|| format!("{at}: recorded is {theirs}, not {ours}")),
    }
}

/// The name that decides how a field is compared: its own, but for an error of a list's item.
fn named(at: &str, key: &str) -> String {
    match (at, key) {
        ("services" | "details", "error") => format!("{at}.error"),
        _ => key.to_owned(),
    }
}

/// Whether it is how JavaScript words an exception.
fn thrown(at: &str, text: &str) -> bool {
    at == "error" && (text.starts_with("Cannot ") || text.ends_with(" is not a function"))
}

/// Numbers are compared by value: 100 and 100.0 are the same one in JSON.
fn number(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), Value::from)
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn decisions_are_told_apart() {
    use serde_json::json;

    let told = json!({"id": "a", "steps": [{"label": "x", "id": 1}], "confidence": 100});
    let same = json!({"id": "b", "steps": [{"label": "x", "id": 2}], "confidence": 0.5});
    assert_eq!(difference(&told, &same), None);
    for other in [
        json!({"id": "b", "steps": [{"label": "y", "id": 2}], "confidence": 1}),
        json!({"id": "b", "steps": [], "confidence": 1}),
        json!({"id": "b", "steps": [{"label": "x", "id": 2}], "confidence": null}),
        json!({"id": "b", "steps": [{"label": "x", "id": 2}], "confidence": 1, "more": 1}),
        json!({"steps": [{"label": "x", "id": 2}], "confidence": 1}),
    ] {
        assert!(difference(&told, &other).is_some(), "{other}");
    }
}
