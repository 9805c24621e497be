//! No sequence of changes leads a plan where it must not be. What is legal is said here a second
//! time, in terms of what a plan looks like, not of how it got there.

use codex_mesh::plan::{
    Approval, Effect, Json, LogLine, Method, Outcome, Plan, PlanStatus, Sending, Step, StepStatus,
    Timestamp, Transition,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// When every plan here was created.
const CREATED: i64 = 1_700_000_000_000;

/// The most steps of a plan.
const STEPS: usize = 5;

fn plan(effects: &[Effect]) -> Plan {
    let step = |(index, effect): (usize, &Effect)| {
        json!({
            "id": format!("step-{}", index + 1),
            "kind": "srl",
            "label": "Check",
            "service": "srl",
            "method": "POST",
            "endpoint": "/srl/check",
            "effect": effect,
            "payload": null,
            "payloadReason": "it is not known yet",
            "status": "PENDING",
        })
    };
    let created = Timestamp::from_millis(CREATED);
    let plan = json!({
        "id": "019a0000-0000-7000-8000-000000000000",
        "sessionId": "s",
        "domain": "social",
        "goal": "g",
        "mode": "LIVE",
        "status": "PENDING",
        "createdAt": created,
        "updatedAt": created,
        "steps": effects.iter().enumerate().map(step).collect::<Vec<_>>(),
    });
    serde_json::from_value(plan).unwrap()
}

fn effects() -> impl Strategy<Value = Vec<Effect>> {
    vec(
        prop_oneof![Just(Effect::Read), Just(Effect::Write)],
        1..=STEPS,
    )
}

fn json_text() -> impl Strategy<Value = Json> {
    let texts = [
        "{}",
        "null",
        "[1, 2.50, 1e3]",
        r#"{"a": "\u00e9\n💥"}"#,
        r#"{"n":1e400}"#,
    ];
    prop::sample::select(texts.to_vec()).prop_map(|text| Json::parse(text.to_owned()).unwrap())
}

fn sending() -> impl Strategy<Value = Transition> {
    let effect = prop_oneof![Just(Effect::Read), Just(Effect::Write)];
    // A payload that is null reads as one that is not known: both show as null.
    let payload = prop::option::of(json_text().prop_filter("not null", |j| j.as_str() != "null"));
    (effect, any::<bool>(), payload).prop_map(|(effect, repeatable, payload)| {
        Transition::Send(Sending {
            method: Method::Post,
            endpoint: "/srl/check?again".to_owned(),
            effect,
            repeatable,
            payload,
        })
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let approval = || {
        any::<Option<String>>().prop_map(|reason| {
            reason.map(|reason| Approval {
                required: true,
                reason,
            })
        })
    };
    let done =
        (json_text(), approval()).prop_map(|(result, approval)| Outcome::Done { result, approval });
    let error = any::<String>().prop_map(|error| Outcome::Error { error });
    prop_oneof![4 => done, 1 => error]
}

fn finish() -> impl Strategy<Value = Transition> {
    let log = vec(any::<String>(), 0..3);
    (outcome(), log, any::<u32>()).prop_map(|(outcome, log, requests)| {
        let line = |message| LogLine {
            level: "info".to_owned(),
            message,
        };
        Transition::Finish {
            outcome,
            log: log.into_iter().map(line).collect(),
            requests,
        }
    })
}

fn transition() -> impl Strategy<Value = Transition> {
    prop_oneof![
        4 => Just(Transition::Start),
        3 => sending(),
        4 => finish(),
        1 => Just(Transition::Interrupt),
        1 => Just(Transition::Release),
    ]
}

/// Changes, each with the milliseconds that passed before it.
fn story() -> impl Strategy<Value = Vec<(Transition, i64)>> {
    vec((transition(), 0..5_000_i64), 0..40)
}

/// What every plan that there can be looks like.
fn assert_legal(plan: &Plan) {
    let mut still_going = true;
    for step in &plan.steps {
        if !still_going {
            assert_eq!(step.status, StepStatus::Pending, "{step:?} came too early");
        }
        still_going &= step.status == StepStatus::Done;
        assert_step_legal(step);
    }
    let is = |status| plan.steps.iter().any(|step| step.status == status);
    let (pending, running) = (is(StepStatus::Pending), is(StepStatus::InProgress));
    let expected = match (
        pending,
        running,
        is(StepStatus::Done),
        is(StepStatus::Error),
    ) {
        (_, _, _, true) => PlanStatus::Error,
        (false, false, true, false) => PlanStatus::Done,
        (true, false, false, false) => PlanStatus::Pending,
        _ => PlanStatus::Running,
    };
    assert_eq!(plan.status, expected);
    assert!(plan.created_at <= plan.updated_at);
}

fn assert_step_legal(step: &Step) {
    let (started, finished) = (step.started_at, step.finished_at);
    let has = (
        started.is_some(),
        finished.is_some(),
        step.result.is_some(),
        step.error.is_some(),
    );
    let expected = match step.status {
        StepStatus::Pending => (false, false, false, false),
        StepStatus::InProgress => (true, false, false, false),
        StepStatus::Done => (true, true, true, false),
        StepStatus::Error => (true, true, false, true),
    };
    assert_eq!(has, expected, "{step:?}");
    assert!(finished.is_none() || started <= finished, "{step:?}");
    assert!(step.approval.is_none() || step.status == StepStatus::Done);
    assert_eq!(step.attempt, 1, "nobody asked for another");
}

/// The other way round of what is refused: what must be possible.
fn is_allowed(plan: &Plan, transition: &Transition) -> bool {
    let is = |status| plan.steps.iter().any(|step| step.status == status);
    match transition {
        Transition::Start => {
            let stopped = is(StepStatus::InProgress) || is(StepStatus::Error);
            !stopped && is(StepStatus::Pending)
        }
        Transition::Send(_)
        | Transition::Finish { .. }
        | Transition::Release
        | Transition::Interrupt => is(StepStatus::InProgress),
    }
}

fn assert_kept(before: &Plan, after: &Plan) {
    let settled = |step: &&Step| matches!(step.status, StepStatus::Done | StepStatus::Error);
    for (old, new) in before.steps.iter().zip(&after.steps) {
        if settled(&old) {
            assert_eq!(old, new, "a finished step changed");
        }
    }
    let strip = |plan: &Plan| Plan {
        steps: Vec::new(),
        status: PlanStatus::Pending,
        updated_at: plan.created_at,
        ..plan.clone()
    };
    assert_eq!(strip(before), strip(after), "what was asked for changed");
    assert_eq!(before.steps.len(), after.steps.len());
}

fn assert_round_trip(plan: &Plan) {
    let text = serde_json::to_string(plan).unwrap();
    let again: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(&again, plan);
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

/// What an interruption makes of the step under way.
fn assert_interrupted(before: &Plan, after: &Plan) {
    assert!(after.first(StepStatus::InProgress).is_none());
    let index = before
        .steps
        .iter()
        .position(|step| step.status == StepStatus::InProgress)
        .unwrap();
    let (old, new) = (&before.steps[index], &after.steps[index]);
    let repeat = old.effect == Effect::Read || old.repeatable;
    let expected = if repeat {
        StepStatus::Pending
    } else {
        StepStatus::Error
    };
    assert_eq!(new.status, expected);
    let error = new.error.as_deref().unwrap_or_default();
    assert_eq!(
        error.starts_with("interrupted: the call may have happened"),
        !repeat
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_sequence_of_changes_leads_astray(effects in effects(), story in story()) {
        let mut plan = plan(&effects);
        let mut now = CREATED;
        assert_legal(&plan);
        for (transition, passed) in &story {
            now += passed;
            let before = plan.clone();
            match plan.apply(transition, Timestamp::from_millis(now)) {
                Err(refused) => {
                    prop_assert!(!is_allowed(&plan, transition), "{refused}");
                    prop_assert_eq!(&plan, &before);
                    prop_assert!(!refused.to_string().is_empty());
                }
                Ok(applied) => {
                    prop_assert!(is_allowed(&before, transition), "{:?} of {:?}", transition, before);
                    prop_assert_eq!(applied.entry.at.as_millis(), now);
                    plan = applied.plan;
                    assert_kept(&before, &plan);
                    if *transition == Transition::Interrupt {
                        assert_interrupted(&before, &plan);
                    }
                }
            }
            assert_legal(&plan);
            assert_round_trip(&plan);
        }
    }

    /// However far it came, a plan can always come to an end, and stays there.
    #[test]
    fn every_plan_ends_and_stays_so(effects in effects(), story in story()) {
        let mut plan = plan(&effects);
        let now = Timestamp::from_millis(CREATED);
        for (transition, _) in &story {
            if let Ok(applied) = plan.apply(transition, now) {
                plan = applied.plan;
            }
        }
        let result = Json::parse("1".to_owned()).unwrap();
        let outcome = Outcome::Done { result, approval: None };
        let done = Transition::Finish { outcome, log: Vec::new(), requests: 1 };
        for _ in 0..=STEPS {
            for next in [&done, &Transition::Start] {
                if let Ok(applied) = plan.apply(next, now) {
                    plan = applied.plan;
                }
            }
        }
        prop_assert!(matches!(plan.status, PlanStatus::Done | PlanStatus::Error));
        for (transition, _) in &story {
            prop_assert!(plan.apply(transition, now).is_err());
        }
    }

    /// What Brain is told: once for a step's end, and once for the plan's; nothing in between.
    #[test]
    fn every_end_is_told_once(effects in effects(), story in story()) {
        let mut plan = plan(&effects);
        let mut told = 0;
        for (transition, _) in &story {
            if let Ok(applied) = plan.apply(transition, Timestamp::from_millis(CREATED)) {
                plan = applied.plan;
                told += applied.events.len();
                for event in &applied.events {
                    let content = event.content(&plan);
                    let content: serde_json::Value = serde_json::from_str(&content).unwrap();
                    prop_assert_eq!(content["steps"].as_array().unwrap().len(), plan.steps.len());
                }
            }
        }
        let ended = |step: &&Step| matches!(step.status, StepStatus::Done | StepStatus::Error);
        let steps = plan.steps.iter().filter(ended).count();
        let plans = usize::from(matches!(plan.status, PlanStatus::Done | PlanStatus::Error));
        prop_assert_eq!(told, steps + plans);
    }
}
