//! Replays every recorded call and compares the answers: the status, the fields and their JSON
//! types, which lists are empty, and the words and numbers a caller decides by.

use std::path::Path;

use serde_json::Value;

use super::exceptions::{EXCEPTIONS, Except};
use super::{Call, Services};

/// What a caller decides by.
const DECISIVE: [&str; 7] = [
    "ok",
    "action",
    "allowExecution",
    "requireApproval",
    "confidence",
    "riskScore",
    "recommendation",
];

async fn replay(file: &str) {
    let services = Services::start().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/traces")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    // Our ids differ from the recorded ones, and later calls name them.
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut replayed = 0;
    // An entry without a request records something else the recorder saw.
    for call in recording["calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["request"].is_object())
    {
        let name = call["name"].as_str().unwrap();
        let except = exception(file, name);
        if except == Some(Except::All) {
            continue;
        }
        let (status, ours) = send(&services, &call["request"], &ids).await;
        let theirs = &call["response"]["json"];
        let at = format!("{file} {name}: {ours}");
        assert_eq!(call["response"]["status"], status, "{at}");
        compare(theirs, &ours, except.is_none(), &at);
        if let (Some(theirs), Some(ours)) = (
            theirs["workflow"]["id"].as_str(),
            ours["workflow"]["id"].as_str(),
        ) {
            ids.push((theirs.to_owned(), ours.to_owned()));
        }
        replayed += 1;
    }
    assert!(replayed > 0, "{file} replays nothing");
}

fn exception(file: &str, name: &str) -> Option<Except> {
    let found = EXCEPTIONS
        .iter()
        .find(|(of, names, ..)| *of == file && names.contains(&name));
    found.map(|(_, _, except, _)| *except)
}

async fn send(services: &Services, request: &Value, ids: &[(String, String)]) -> (u16, Value) {
    let ours = |text: &str| {
        ids.iter().fold(text.to_owned(), |text, (theirs, ours)| {
            text.replace(theirs, ours)
        })
    };
    let url = reqwest::Url::parse(&ours(request["url"].as_str().unwrap())).unwrap();
    let path = url
        .as_str()
        .split_at(url.origin().ascii_serialization().len())
        .1;
    let call = Call {
        method: request["method"].as_str().unwrap(),
        path,
        content_type: request["content_type"].as_str(),
        body: request["body"].as_str().map(ours),
    };
    let name = match url.port().unwrap() {
        5420 => "autonomy",
        5540 => "srl",
        5555 => "hardening",
        5430 => "workflow",
        5350 => "ops",
        5050 => "strategy",
        5070 => "simulation",
        4100 => "brain",
        port => panic!("no service has port {port}"),
    };
    services.send(name, call).await
}

/// Compares objects field by field. `in_full` compares decisions and empty lists as well.
fn compare(theirs: &Value, ours: &Value, in_full: bool, at: &str) {
    let (Some(theirs), Some(ours)) = (theirs.as_object(), ours.as_object()) else {
        panic!("{at} is not an object as recorded");
    };
    assert_eq!(
        theirs.keys().collect::<Vec<_>>(),
        ours.keys().collect::<Vec<_>>(),
        "{at}"
    );
    for (key, theirs) in theirs {
        let ours = &ours[key];
        let at = format!("{key} of {at}");
        match (theirs, ours) {
            // Its keys are ids.
            _ if key == "dependencyGraph" => {}
            (Value::Object(_), Value::Object(_)) => compare(theirs, ours, in_full, &at),
            (Value::Array(theirs), Value::Array(ours)) => {
                assert!(!in_full || theirs.is_empty() == ours.is_empty(), "{at}");
            }
            _ if in_full && DECISIVE.contains(&key.as_str()) => {
                assert_eq!(decision(theirs), decision(ours), "{at}");
            }
            _ => assert_eq!(kind(theirs), kind(ours), "{at}"),
        }
    }
}

/// Numbers are compared by value: 100 and 100.0 are the same one in JSON.
fn decision(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), Value::from)
}

fn kind(value: &Value) -> &'static str {
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
fn every_exception_is_of_a_recorded_call() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    for (file, names, _, why) in EXCEPTIONS {
        assert!(!why.is_empty());
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let recording: Value = serde_json::from_str(&text).unwrap();
        let calls = recording["calls"].as_array().unwrap();
        for name in names {
            assert!(
                calls.iter().any(|call| call["name"] == *name),
                "{file} has no {name}"
            );
        }
    }
}

/// Files of the folder that are not replayed here.
const ELSEWHERE: [&str; 3] = ["README.md", "real-answers.json", "hardening-stock.json"];

macro_rules! recordings {
    ($($test:ident: $file:literal,)+) => {
        $(#[tokio::test]
        async fn $test() {
            replay($file).await;
        })+

        #[test]
        fn every_recording_is_replayed() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
            for entry in std::fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let known = [$($file),+].iter().chain(&ELSEWHERE);
                assert!(known.into_iter().any(|known| *known == name), "{name}");
            }
        }
    };
}

recordings! {
    autonomy_evaluates_as_recorded: "autonomy-evaluate.json",
    autonomy_decomposes_as_recorded: "autonomy-decompose.json",
    srl_checks_as_recorded: "srl-check.json",
    srl_checks_as_recorded_with_its_services: "srl-check-dependencies-stubbed.json",
    hardening_checks_as_recorded: "hardening-check.json",
    hardening_checks_as_recorded_with_its_services: "hardening-check-dependencies-stubbed.json",
    workflow_answers_as_recorded: "workflow.json",
    ops_answers_as_recorded: "ops.json",
    strategy_plans_as_recorded: "strategy-plan.json",
    simulation_runs_as_recorded: "sim-run.json",
    simulation_runs_as_recorded_with_an_orchestrator: "sim-run-orchestrator-stubbed.json",
    brain_answers_as_recorded: "brain-memory.json",
    all_say_they_are_healthy_as_recorded: "health-all-services.json",
}
