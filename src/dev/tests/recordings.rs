//! Replays every call that was recorded of each service by itself, and compares the decisions.

use std::path::Path;

use serde_json::Value;

use super::decisions::{difference, kind};
use super::exceptions::{EXCEPTIONS, Except};
use super::{Call, Services};

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
        match except {
            Some(Except::Shape) => compare(theirs, &ours, &at),
            Some(Except::Without(field)) => {
                let mut ours = ours.clone();
                ours["plan"].as_object_mut().unwrap().remove(field).unwrap();
                assert_eq!(difference(theirs, &ours), None, "{at}");
            }
            _ => assert_eq!(difference(theirs, &ours), None, "{at}"),
        }
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

/// Compares objects field by field, but only what is there, and of which type.
fn compare(theirs: &Value, ours: &Value, at: &str) {
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
            (Value::Object(_), Value::Object(_)) => compare(theirs, ours, &at),
            _ => assert_eq!(kind(theirs), kind(ours), "{at}"),
        }
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
