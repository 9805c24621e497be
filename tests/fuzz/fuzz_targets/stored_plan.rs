//! Whatever JSON is stored as a plan: it is refused, or it is a plan that survives being stored
//! again, and every change of it.
#![no_main]

use codex_mesh::plan::{
    Effect, Json, Method, Outcome, Plan, Sending, StepStatus, Timestamp, Transition,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, &str)| {
    let (changes, text) = input;
    let Ok(mut plan) = serde_json::from_str::<Plan>(text) else {
        return;
    };
    round_trip(&plan);
    for (index, change) in changes.iter().take(50).enumerate() {
        let now = Timestamp::from_millis(i64::from(*change) << (index % 50));
        let Ok(applied) = plan.apply(&transition(*change), now) else {
            continue;
        };
        for event in &applied.events {
            let content = event.content(&applied.plan);
            serde_json::from_str::<serde_json::Value>(&content).expect("an event is JSON");
        }
        serde_json::to_string(&applied.entry).expect("history is JSON");
        if matches!(transition(*change), Transition::Interrupt) {
            let before = under_way(&plan);
            assert_eq!(under_way(&applied.plan) + 1, before);
        }
        plan = applied.plan;
        round_trip(&plan);
    }
});

fn under_way(plan: &Plan) -> usize {
    let steps = plan.steps.iter();
    steps
        .filter(|step| step.status == StepStatus::InProgress)
        .count()
}

fn transition(byte: u8) -> Transition {
    let effect = if byte & 8 == 0 {
        Effect::Read
    } else {
        Effect::Write
    };
    match byte % 5 {
        0 => Transition::Start,
        1 => Transition::Send(Sending {
            method: Method::Post,
            endpoint: "/".to_owned(),
            effect,
            repeatable: byte & 16 == 0,
            payload: None,
        }),
        2 => finish(Outcome::Done {
            result: Json::parse("{}".to_owned()).expect("it is JSON"),
            approval: None,
        }),
        3 => finish(Outcome::Error {
            error: "\0".to_owned(),
        }),
        _ => Transition::Interrupt,
    }
}

fn finish(outcome: Outcome) -> Transition {
    Transition::Finish {
        outcome,
        log: Vec::new(),
        requests: 1,
    }
}

fn round_trip(plan: &Plan) {
    let text = serde_json::to_string(plan).expect("a plan is JSON");
    let again: Plan = serde_json::from_str(&text).expect("what was stored can be read");
    assert_eq!(&again, plan);
}
