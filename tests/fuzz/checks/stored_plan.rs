//! Whatever JSON is stored as a plan: it is refused, or it is a plan that survives being stored
//! again, and every change of it.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use codex_mesh::plan::{
    Effect, Finished, Headers, Json, Method, Outcome, Plan, Sending, Starter, StepStatus,
    Timestamp, Transition,
};

pub fn run(data: &[u8]) {
    let input = <(Vec<(u8, u8)>, &str)>::arbitrary_take_rest(Unstructured::new(data));
    let Ok((changes, text)) = input else {
        return;
    };
    let Ok(mut plan) = serde_json::from_str::<Plan>(text) else {
        return;
    };
    round_trip(&plan);
    for (index, (what, step)) in changes.iter().take(50).enumerate() {
        let now = Timestamp::from_millis(i64::from(*what) << (index % 50));
        let transition = transition(*what, step_id(&plan, *step));
        let Ok(applied) = plan.apply(&transition, now) else {
            continue;
        };
        for event in &applied.events {
            let content = event.content(&applied.plan);
            serde_json::from_str::<serde_json::Value>(&content).expect("an event is JSON");
        }
        serde_json::to_string(&applied.entries).expect("history is JSON");
        if transition == Transition::Interrupt {
            assert!(applied.plan.first(StepStatus::InProgress).is_none());
        }
        plan = applied.plan;
        round_trip(&plan);
    }
}

/// Any step, which may be one that there is not.
fn step_id(plan: &Plan, byte: u8) -> String {
    let step = plan.steps.get(usize::from(byte));
    step.map_or_else(|| "step-77".to_owned(), |step| step.id.clone())
}

fn transition(byte: u8, step: String) -> Transition {
    let (by, reason) = ("Ada".to_owned(), "because".to_owned());
    match byte % 16 {
        0 | 1 => Transition::Start(Starter::Client),
        2 => Transition::Start(Starter::Run(step)),
        3 => Transition::Send(step, sending(byte)),
        4 => Transition::Hold(step, sending(byte)),
        5 => finish(step, done(None)),
        6 => finish(step, done(Some(reason))),
        7 => finish(
            step,
            Outcome::Error {
                error: "\0".to_owned(),
            },
        ),
        8 => finish(step, later(byte)),
        9 => Transition::Release(step),
        10 => Transition::Interrupt,
        11 => Transition::Run,
        12 => Transition::Approve {
            step,
            by,
            note: None,
            reviewed: BTreeMap::new(),
        },
        13 => Transition::Reject { step, by, reason },
        14 => Transition::Retry {
            step: (byte & 16 == 0).then_some(step),
            repeat_writes: byte & 32 == 0,
        },
        _ if byte & 16 == 0 => Transition::Skip {
            step,
            required: byte & 32 == 0,
            by,
            reason,
        },
        _ => Transition::Cancel { by, reason },
    }
}

fn sending(byte: u8) -> Sending {
    Sending {
        method: Method::Post,
        endpoint: "/".to_owned(),
        effect: if byte & 16 == 0 {
            Effect::Read
        } else {
            Effect::Write
        },
        repeatable: byte & 32 == 0,
        round: u32::from(byte >> 6) + 1,
        shown_only: byte & 64 == 0,
        headers: Headers::default(),
        payload: None,
    }
}

fn done(approval: Option<String>) -> Outcome {
    Outcome::Done {
        result: Json::parse("{}".to_owned()).expect("it is JSON"),
        approval,
    }
}

fn later(byte: u8) -> Outcome {
    Outcome::Later {
        reason: String::new(),
        after_ms: u64::MAX >> (byte >> 4),
        most: u32::from(byte >> 4),
    }
}

fn finish(step: String, outcome: Outcome) -> Transition {
    Transition::Finish(Finished {
        step,
        outcome,
        log: Vec::new(),
        requests: 1,
        nothing_written: false,
        most_bytes: usize::MAX,
    })
}

fn round_trip(plan: &Plan) {
    let text = serde_json::to_string(plan).expect("a plan is JSON");
    let again: Plan = serde_json::from_str(&text).expect("what was stored can be read");
    assert_eq!(&again, plan);
}
