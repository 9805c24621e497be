//! Random plans, and what may be tried with them: mostly with a step for which it makes sense, as
//! few stories of pure chance get far.

use std::collections::BTreeMap;

use codex_mesh::plan::{
    ApprovalMode, Effect, Finished, Headers, Json, LogLine, Method, Mode, Outcome, Plan, Sending,
    Starter, Step, StepStatus, Timestamp, Transition,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// When every plan here was created.
pub const CREATED: i64 = 1_700_000_000_000;

/// The most steps of a plan.
pub const STEPS: usize = 5;

/// What a step may send; the last is the first in another order.
const BODIES: [&str; 3] = [
    r#"{"a":1,"b":[true]}"#,
    r#"{"a":2}"#,
    r#"{"b":[true],"a":1}"#,
];

/// A plan that nothing has happened to.
pub fn plan() -> impl Strategy<Value = Plan> {
    let mode =
        prop_oneof![4 => Just(Mode::Live), 1 => Just(Mode::DryRun), 1 => Just(Mode::Simulation)];
    let approvals = prop_oneof![4 => Just(ApprovalMode::Enforce), 1 => Just(ApprovalMode::Advise)];
    let after = prop::option::weighted(0.6, 0_u8..1 << STEPS);
    let writes = prop_oneof![4 => Just(1_u32), 1 => Just(2)];
    let body = prop::option::of(select(&BODIES[..]));
    let step = (effect(), after, body, writes);
    (mode, approvals, vec(step, 1..=STEPS)).prop_map(|(mode, approvals, steps)| {
        let steps: Vec<Value> = steps.into_iter().enumerate().map(step_json).collect();
        let created = Timestamp::from_millis(CREATED);
        let plan = json!({
            "id": "019a0000-0000-7000-8000-000000000000",
            "sessionId": "s",
            "domain": "social",
            "goal": "g",
            "mode": mode,
            "approvals": approvals,
            "status": "PENDING",
            "createdAt": created,
            "updatedAt": created,
            "steps": steps,
        });
        serde_json::from_value(plan).unwrap()
    })
}

/// What it does, what it comes after, what it would send, and how often it says that it writes.
type Drawn<'a> = (Effect, Option<u8>, Option<&'a str>, u32);

fn step_json((index, (effect, after, body, writes)): (usize, Drawn<'_>)) -> Value {
    let mut step = json!({
        "id": format!("step-{}", index + 1),
        "kind": "srl",
        "label": "Check",
        "service": "srl",
        "method": "POST",
        "endpoint": "/srl/check",
        "effect": effect,
        "writes": writes,
        "payload": body.map(|body| serde_json::from_str::<Value>(body).unwrap()),
        "status": "PENDING",
    });
    if body.is_none() {
        step["payloadReason"] = json!("it is not known yet");
    }
    if let Some(after) = after {
        let named = (0..index).filter(|earlier| after & (1 << earlier) != 0);
        let named: Vec<String> = named
            .map(|earlier| format!("step-{}", earlier + 1))
            .collect();
        step["after"] = json!(named);
    }
    step
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![4 => Just(Effect::Read), 1 => Just(Effect::Simulate), 5 => Just(Effect::Write)]
}

/// A step: one for which it makes sense, or any, or none that there is.
#[derive(Debug, Clone, Copy)]
pub struct Pick(u8);

impl Pick {
    fn of(self, plan: &Plan, sensible: impl Fn(&Step) -> bool) -> String {
        let (luck, number) = (self.0 % 16, usize::from(self.0 / 16));
        if luck == 0 && number == 0 {
            return "step-77".to_owned();
        }
        let mut steps: Vec<&Step> = plan.steps.iter().filter(|step| sensible(step)).collect();
        if steps.is_empty() || luck == 0 {
            steps = plan.steps.iter().collect();
        }
        steps[number % steps.len()].id.clone()
    }
}

/// What a reviewer says to have seen.
#[derive(Debug, Clone, Copy)]
pub enum Saw {
    Nothing,
    WhatWaits,
    SomethingElse,
}

/// What is tried; which step it is about shows when its turn comes.
#[derive(Debug, Clone)]
pub enum Act {
    Step,
    Begin(Pick),
    Send(Pick, Sent),
    Show(Pick, Sent),
    Hold(Pick, Sent),
    Finish(Pick, Box<Finished>),
    Release(Pick),
    Interrupt,
    Run,
    Approve(Pick, Saw),
    Reject(Pick),
    Retry(Option<Pick>, bool),
    Skip(Pick),
    Cancel,
}

/// What is about to be sent: what the plan shows, or something of its own; in the round that comes
/// next, or in any.
#[derive(Debug, Clone)]
pub struct Sent {
    as_shown: bool,
    next_round: bool,
    own: Sending,
}

impl Sent {
    fn of(&self, plan: &Plan, id: &str) -> Sending {
        let mut sending = self.own.clone();
        let Some(step) = plan.step(id) else {
            return sending;
        };
        if self.as_shown && step.payload_reason.is_none() {
            sending.method = step.method;
            sending.endpoint.clone_from(&step.endpoint);
            sending.effect = step.effect;
            sending.payload.clone_from(&step.payload);
        }
        if self.next_round {
            let held = step.held.as_ref().map(|held| held.round);
            let held = held.filter(|round| !step.written.contains(round));
            let next = step.written.iter().max().map_or(1, |last| last + 1);
            sending.round = held.unwrap_or(next);
        }
        sending
    }
}

impl Act {
    /// The change that it is for this plan.
    pub fn of(&self, plan: &Plan) -> Transition {
        let is = |status: StepStatus| move |step: &Step| step.status == status;
        let under_way = |pick: &Pick| pick.of(plan, is(StepStatus::InProgress));
        let asking = |step: &Step| step.approval.is_some() || step.held.is_some();
        let (by, reason) = ("Ada".to_owned(), "because".to_owned());
        match self {
            Self::Step => Transition::Start(Starter::Client),
            Self::Begin(pick) => {
                Transition::Start(Starter::Run(pick.of(plan, is(StepStatus::Pending))))
            }
            Self::Send(pick, sent) => {
                let id = under_way(pick);
                let sending = sent.of(plan, &id);
                Transition::Send(id, sending)
            }
            Self::Show(pick, sent) => {
                let id = pick.of(plan, is(StepStatus::Pending));
                let sending = sent.of(plan, &id);
                Transition::Show(id, sending)
            }
            Self::Hold(pick, sent) => {
                let id = under_way(pick);
                let sending = sent.of(plan, &id);
                Transition::Hold(id, sending)
            }
            Self::Finish(pick, finished) => Transition::Finish(Finished {
                step: under_way(pick),
                ..(**finished).clone()
            }),
            Self::Release(pick) => Transition::Release(under_way(pick)),
            Self::Interrupt => Transition::Interrupt,
            Self::Run => Transition::Run,
            Self::Approve(pick, saw) => Transition::Approve {
                step: pick.of(plan, asking),
                by,
                note: None,
                reviewed: saw.of(plan),
            },
            Self::Reject(pick) => Transition::Reject {
                step: pick.of(plan, asking),
                by,
                reason,
            },
            Self::Retry(pick, repeat_writes) => Transition::Retry {
                step: pick.map(|pick| pick.of(plan, |step| step.status != StepStatus::Pending)),
                repeat_writes: *repeat_writes,
            },
            Self::Skip(pick) => Transition::Skip {
                step: pick.of(plan, |step| {
                    matches!(step.status, StepStatus::Pending | StepStatus::Error)
                }),
                required: pick.0 % 2 == 0,
                by,
                reason,
            },
            Self::Cancel => Transition::Cancel { by, reason },
        }
    }
}

impl Saw {
    fn of(self, plan: &Plan) -> BTreeMap<String, String> {
        match self {
            Self::Nothing => BTreeMap::new(),
            Self::SomethingElse => [("step-2".to_owned(), "0".to_owned())].into(),
            Self::WhatWaits => {
                let waiting = plan.waiting.iter();
                waiting
                    .filter_map(|waiting| Some((waiting.step.clone(), waiting.digest.clone()?)))
                    .collect()
            }
        }
    }
}

fn pick() -> impl Strategy<Value = Pick> {
    any::<u8>().prop_map(Pick)
}

fn sent() -> impl Strategy<Value = Sent> {
    let payload = prop::option::weighted(0.8, select(&BODIES[..]));
    let shown_only = prop::bool::weighted(0.3);
    let own = (effect(), any::<bool>(), shown_only, 1..=4_u32, payload).prop_map(
        |(effect, repeatable, shown_only, round, payload)| Sending {
            method: Method::Post,
            endpoint: "/srl/check".to_owned(),
            effect,
            repeatable,
            shown_only,
            round,
            headers: Headers::default(),
            payload: payload.map(|body| Json::parse(body.to_owned()).unwrap()),
        },
    );
    let likely = || prop::bool::weighted(0.7);
    (likely(), likely(), own).prop_map(|(as_shown, next_round, own)| Sent {
        as_shown,
        next_round,
        own,
    })
}

fn result() -> impl Strategy<Value = Json> {
    let texts = [
        "{}",
        "null",
        "[1, 2.50, 1e3]",
        r#"{"a": "\u00e9\n💥"}"#,
        r#"{"n":1e400}"#,
    ];
    select(texts.to_vec()).prop_map(|text| Json::parse(text.to_owned()).unwrap())
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let done = (result(), any::<Option<String>>())
        .prop_map(|(result, approval)| Outcome::Done { result, approval });
    let error = any::<String>().prop_map(|error| Outcome::Error { error });
    let later = (any::<String>(), 0..4_000_u64, 0..4_u32).prop_map(|(reason, after_ms, most)| {
        Outcome::Later {
            reason,
            after_ms,
            most,
        }
    });
    prop_oneof![5 => done, 1 => error, 2 => later]
}

fn finished() -> impl Strategy<Value = Box<Finished>> {
    let log = vec(any::<String>(), 0..3);
    // Nothing fits, or anything does.
    let most = prop_oneof![1 => Just(0), 9 => Just(usize::MAX)];
    (outcome(), log, any::<u32>(), any::<bool>(), most).prop_map(
        |(outcome, log, requests, nothing_written, most_bytes)| {
            let line = |message| LogLine {
                level: "info".to_owned(),
                message,
            };
            Box::new(Finished {
                step: String::new(),
                outcome,
                log: log.into_iter().map(line).collect(),
                requests,
                nothing_written,
                most_bytes,
            })
        },
    )
}

fn act() -> impl Strategy<Value = Act> {
    let saw = prop_oneof![4 => Just(Saw::Nothing), 2 => Just(Saw::WhatWaits), 1 => Just(Saw::SomethingElse)];
    prop_oneof![
        6 => Just(Act::Step),
        6 => pick().prop_map(Act::Begin),
        8 => (pick(), sent()).prop_map(|(pick, sent)| Act::Send(pick, sent)),
        2 => (pick(), sent()).prop_map(|(pick, sent)| Act::Show(pick, sent)),
        3 => (pick(), sent()).prop_map(|(pick, sent)| Act::Hold(pick, sent)),
        9 => (pick(), finished()).prop_map(|(pick, finished)| Act::Finish(pick, finished)),
        1 => pick().prop_map(Act::Release),
        2 => Just(Act::Interrupt),
        2 => Just(Act::Run),
        5 => (pick(), saw).prop_map(|(pick, saw)| Act::Approve(pick, saw)),
        1 => pick().prop_map(Act::Reject),
        2 => (prop::option::of(pick()), any::<bool>()).prop_map(|(to, repeat)| Act::Retry(to, repeat)),
        1 => pick().prop_map(Act::Skip),
    ]
}

/// What is tried, each with the milliseconds that passed before it.
pub fn story() -> impl Strategy<Value = Vec<(Act, i64)>> {
    let end = prop::option::weighted(0.1, Just((Act::Cancel, 1)));
    let acts = || vec((act(), 0..2_000_i64), 0..50);
    (acts(), end, acts()).prop_map(|(mut acts, end, more)| {
        acts.extend(end.into_iter().chain(more));
        acts
    })
}
