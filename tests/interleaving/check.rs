//! What must hold of every plan at any time, whatever was done to it.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::Value;

use super::services::Asked;
use super::world::{Heard, Request, What, World, is_under_way};

/// A host that has just started: nothing is under way but what is being run. `None` if it went
/// away meanwhile.
pub async fn restarted(world: &World, url: &str) -> Option<()> {
    for id in world.recent() {
        let seen = world.plan(url, &id).await?;
        assert!(seen["run"].is_object() || !is_under_way(&seen), "{seen}");
        plan(world, url, &seen).await?;
    }
    Some(())
}

/// Holds a plan against what the services were asked, and what clients asked for.
pub async fn plan(world: &World, url: &str, plan: &Value) -> Option<()> {
    let id = plan["id"].as_str().unwrap();
    // In this order: a plan that is run goes on meanwhile, and what was sent is on record.
    let asked = world.asked(id);
    let history = world.get(url, &format!("/mesh/history?id={id}")).await?;
    let requests: Vec<Request> = world
        .requests()
        .iter()
        .filter(|r| r.plan == id)
        .cloned()
        .collect();
    assert_nothing_lost(&requests, &history["history"]);
    let writes = |service: &'static str| asked.iter().filter(move |asked| asked.service == service);
    if plan["mode"] != "LIVE" {
        let written = writes("srl").chain(writes("workflow")).next();
        assert!(written.is_none(), "{} wrote: {written:?}", plan["mode"]);
        return Some(());
    }
    for write in writes("srl").chain(writes("workflow")) {
        assert_on_record(write, &history["history"]);
        assert_approved(write, &asked, &requests);
    }
    let mut keys = BTreeSet::new();
    let once_a_key: Vec<&Asked> = writes("workflow")
        .filter(|write| keys.insert(write.key.clone()))
        .collect();
    for executed in [writes("srl").collect(), once_a_key] {
        assert_repeated_as_asked(&executed, &requests);
    }
    for write in writes("srl").filter(|_| plan["run"].is_null()) {
        assert_not_forgotten(write, plan);
    }
    Some(())
}

/// What was acknowledged is in the history.
fn assert_nothing_lost(requests: &[Request], history: &Value) {
    let recorded = |transition: &str, step: &str| {
        let entries = history.as_array().unwrap().iter();
        let like = |entry: &&Value| entry["transition"] == transition && entry["step"] == step;
        entries.filter(like).count()
    };
    for step in ["step-1", "step-2", "step-3", "step-4"] {
        let is = |request: &&Request, wanted: &str| {
            let about = match &request.what {
                What::Approve(step) => ("approved", step),
                What::Skip(step) => ("skipped", step),
                What::Repeat(_) => return false,
            };
            about == (wanted, &step.to_owned()) && matches!(request.heard, Heard::Yes(_))
        };
        for transition in ["approved", "skipped"] {
            let told = requests.iter().filter(|request| is(request, transition));
            let told = told.count();
            assert!(
                told <= recorded(transition, step),
                "{transition} {step}: {history}"
            );
        }
    }
}

/// It was recorded before it was sent.
fn assert_on_record(write: &Asked, history: &Value) {
    let mut entries = history.as_array().unwrap().iter();
    let recorded = entries.any(|entry| {
        entry["transition"] == "sent"
            && entry["step"] == *write.step
            && entry["attempt"] == write.attempt
    });
    assert!(recorded, "{write:?} is not in {history}");
}

/// Whoever had to approve it did, and what they approved is what was sent.
fn assert_approved(write: &Asked, asked: &[Asked], requests: &[Request]) {
    for step in ["step-1", "step-2", "step-3"] {
        if step >= write.step.as_str() {
            continue;
        }
        // What a step was answered last is what came of it.
        let last = |earlier: &&Asked| earlier.step == step && earlier.at < write.at;
        let Some(last) = asked.iter().rfind(last) else {
            continue;
        };
        let counted = |request: &&Request| request.may_have_counted(last.at, write.at);
        let skipped = |request: &Request| matches!(&request.what, What::Skip(id) if id == step);
        let excused = requests.iter().filter(counted).any(skipped);
        if !last.wants_approval || excused {
            continue;
        }
        let covers = |request: &Request| {
            matches!(&request.what, What::Approve(id) if id == step) && shows(request, write)
        };
        let approved = requests.iter().filter(counted).any(covers);
        assert!(
            approved,
            "{write:?} was sent, and {last:?} was not approved: {requests:#?}"
        );
    }
}

/// Whether the plan showed this write, still to come, when it was approved; unknown if there was
/// no answer.
fn shows(approval: &Request, write: &Asked) -> bool {
    let Heard::Yes(plan) = &approval.heard else {
        return true;
    };
    let mut steps = plan["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["id"] == *write.step).unwrap();
    step["status"] == "PENDING" && step["payload"] == write.body
}

/// Between a write and the same again somebody asked for it.
fn assert_repeated_as_asked(executed: &[&Asked], requests: &[Request]) {
    let asked_for = |from: Instant, to: Instant, id: &str| {
        let covers = |request: &Request| match &request.what {
            What::Repeat(Some(step)) => step.as_str() <= id,
            What::Repeat(None) => true,
            _ => false,
        };
        let between = |request: &&Request| request.may_have_counted(from, to);
        requests.iter().filter(between).any(covers)
    };
    for (first, again) in executed.iter().zip(executed.iter().skip(1)) {
        assert!(
            asked_for(first.at, again.at, &again.step),
            "{first:?} and {again:?}, and nobody asked for it: {requests:#?}"
        );
    }
    let repeat = |request: &&Request| {
        matches!(request.what, What::Repeat(_)) && !matches!(request.heard, Heard::No)
    };
    let repeats = requests.iter().filter(repeat).count();
    assert!(executed.len() <= 1 + repeats, "{executed:#?} {requests:#?}");
}

/// A write without a known end is not open to be sent again by itself.
fn assert_not_forgotten(write: &Asked, plan: &Value) {
    let mut steps = plan["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["id"] == *write.step).unwrap();
    let open = step["status"] == "PENDING" && step["attempt"] == write.attempt;
    assert!(!open, "{write:?} would be sent again: {plan}");
}
