//! What is legal, said a second time in terms of what a plan looks like, not of how it got there.

use codex_mesh::plan::{
    Approval, Plan, PlanStatus, Starter, Step, StepStatus, Timestamp, Transition, WaitingFor,
};

use super::record::{Record, acts, before, retried};

fn is(step: &Step, status: StepStatus) -> bool {
    step.status == status
}

fn any(plan: &Plan, status: StepStatus) -> bool {
    plan.steps.iter().any(|step| is(step, status))
}

fn all_done(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| is(step, StepStatus::Done))
}

/// Pending, and everything before it is done.
fn is_ready(plan: &Plan, step: &Step) -> bool {
    let done = |id: &String| is(plan.step(id).unwrap(), StepStatus::Done);
    is(step, StepStatus::Pending) && before(plan, &step.id).iter().all(done)
}

pub fn may_begin(record: &Record, plan: &Plan, step: &Step, now: Timestamp) -> bool {
    let due = step
        .retry
        .as_ref()
        .is_none_or(|retry| retry.not_before <= now);
    is_ready(plan, step) && due && record.missing_now(plan, step).is_empty()
}

/// Whether a change must be possible; if not, it must be impossible.
pub fn is_allowed(record: &Record, plan: &Plan, transition: &Transition, now: Timestamp) -> bool {
    let open = plan.cancelled.is_none();
    let idle = !any(plan, StepStatus::InProgress);
    let under_way = |id: &str| {
        plan.step(id)
            .is_some_and(|step| is(step, StepStatus::InProgress))
    };
    let begins = |step: &Step| may_begin(record, plan, step, now);
    let can_go_back = |id: &str| {
        let repeatable = plan.step(id).is_some_and(|step| step.repeatable);
        under_way(id) && (!record.wrote_since(id) || repeatable)
    };
    let may_repeat = |id: &str, round| {
        let repeatable = plan.step(id).is_some_and(|step| step.repeatable);
        !record.wrote_in(id, round) || repeatable
    };
    match transition {
        Transition::Start(Starter::Client) => {
            open && idle && plan.run.is_none() && plan.steps.iter().any(begins)
        }
        Transition::Start(Starter::Run(id)) => {
            open && plan.run.is_some() && plan.step(id).is_some_and(begins)
        }
        Transition::Send(id, sending) => {
            let approved = || record.missing_for(plan, id, sending).is_empty();
            let may_act = || open && approved() && may_repeat(id, sending.round);
            under_way(id) && (!acts(sending) || may_act())
        }
        Transition::Show(id, _) => {
            let settled = record.held(id).is_some();
            open && !settled && plan.step(id).is_some_and(|s| is(s, StepStatus::Pending))
        }
        Transition::Hold(id, sending) => {
            under_way(id) && (!record.wrote_in(id, sending.round) || can_go_back(id))
        }
        Transition::Release(id) => can_go_back(id),
        Transition::Finish(finished) => under_way(&finished.step),
        Transition::Interrupt => !idle,
        Transition::Run => {
            let begins_later = |step: &Step| {
                let approved = record.missing_now(plan, step).is_empty();
                is_ready(plan, step) && approved && step.retry.is_some()
            };
            let goes_on = |step: &Step| begins(step) || begins_later(step);
            open && idle && plan.run.is_none() && plan.steps.iter().any(goes_on)
        }
        decision => open && is_allowed_to_people(record, plan, decision),
    }
}

/// What people may decide about a plan that nobody cancelled.
fn is_allowed_to_people(record: &Record, plan: &Plan, decision: &Transition) -> bool {
    let asks = |id: &str| {
        plan.step(id)
            .is_some_and(|step| is(step, StepStatus::Done) && step.approval.is_some())
    };
    match decision {
        Transition::Approve { step, reviewed, .. } => {
            let alone = record.is_held_alone(plan, step);
            let shown = record.would_approve(plan, step);
            let as_shown = |(id, digest): (&String, &String)| {
                let waits = plan.waiting.iter().find(|waiting| &waiting.step == id);
                shown.contains_key(id) && waits.is_some_and(|w| w.digest.as_ref() == Some(digest))
            };
            let more = asks(step) && record.approves_more(plan, step);
            reviewed.iter().all(as_shown) && (alone || more)
        }
        Transition::Reject { step, .. } => {
            !all_done(plan) && (asks(step) || record.is_held_alone(plan, step))
        }
        Transition::Retry {
            step: to,
            repeat_writes,
        } => {
            let ids = retried(plan, to.as_deref());
            let wrote = ids.iter().any(|id| record.may_have_written(id));
            let begun = |id: &String| {
                let step = plan.step(id).unwrap();
                let touched = step.retry.is_some() || record.may_have_written(id);
                !is(step, StepStatus::Pending) || touched
            };
            // Without a name it is the failed ones, which have begun.
            let named_has_begun = to.as_ref().is_none_or(|to| ids.contains(to) && begun(to));
            let under_way = |id: &String| is(plan.step(id).unwrap(), StepStatus::InProgress);
            let idle = !ids.iter().any(under_way);
            idle && !ids.is_empty() && named_has_begun && (!wrote || *repeat_writes)
        }
        Transition::Skip { step, .. } => plan
            .step(step)
            .is_some_and(|step| is(step, StepStatus::Pending) || is(step, StepStatus::Error)),
        Transition::Cancel { .. } => !all_done(plan),
        other => panic!("{other:?} is nobody's decision"),
    }
}

/// What every plan that there can be looks like.
pub fn assert_legal(record: &Record, plan: &Plan) {
    for step in &plan.steps {
        assert_step_legal(step);
        assert_eq!(step.sent, record.may_have_written(&step.id), "{step:?}");
        let held = step.held.as_ref().map(|held| held.round);
        assert_eq!(held, record.held(&step.id), "{step:?}");
    }
    assert_waiting(record, plan);
    assert_eq!(plan.status, expected_status(plan), "{plan:?}");
    let waits_for_time = plan.waiting.iter().any(|waiting| waiting.until.is_some());
    match plan.status {
        PlanStatus::Pending | PlanStatus::Running => {}
        PlanStatus::Waiting if waits_for_time => {}
        _ => assert_eq!(plan.run, None, "a plan that can't go on is not run"),
    }
    assert!(plan.created_at <= plan.updated_at);
}

fn assert_step_legal(step: &Step) {
    let (started, finished) = (step.started_at, step.finished_at);
    let ended = (
        finished.is_some(),
        step.result.is_some(),
        step.error.is_some(),
    );
    let decided = (step.approval.is_some(), step.skipped.is_some());
    match step.status {
        StepStatus::Pending => assert_eq!(
            (started, ended, decided),
            (None, (false, false, false), (false, false))
        ),
        StepStatus::InProgress => {
            assert!(started.is_some(), "{step:?}");
            assert_eq!((ended, decided), ((false, false, false), (false, false)));
        }
        StepStatus::Done => {
            let skipped = step.skipped.is_some();
            assert_eq!(ended, (true, !skipped, false), "{step:?}");
            assert!(skipped || started.is_some(), "{step:?}");
        }
        StepStatus::Error => {
            assert_eq!((ended.0, ended.2), (true, true), "{step:?}");
            assert!(step.skipped.is_none(), "{step:?}");
            // Only what a person rejects fails with a result.
            let granted = |approval: &Approval| approval.grant.is_some();
            assert!(!step.approval.as_ref().is_some_and(granted), "{step:?}");
            assert!(step.result.is_none() || step.approval.is_some(), "{step:?}");
        }
    }
    assert!(started.is_none() || finished.is_none() || started <= finished);
    let ended = matches!(step.status, StepStatus::Done | StepStatus::Error);
    assert!(step.retry.is_none() || !ended, "{step:?}");
    assert!(step.held.is_none() || (step.sent && !ended), "{step:?}");
}

fn assert_waiting(record: &Record, plan: &Plan) {
    let mut waiting = plan.waiting.iter();
    let ready = plan.steps.iter().filter(|step| is_ready(plan, step));
    for step in ready.filter(|_| plan.cancelled.is_none()) {
        let missing = record.missing_now(plan, step);
        let what = match (&step.retry, missing.is_empty()) {
            (_, false) => WaitingFor::Approval,
            (Some(_), true) => WaitingFor::Retry,
            (None, true) => continue,
        };
        let until = step.retry.as_ref().map(|retry| retry.not_before);
        let until = until.filter(|_| what == WaitingFor::Retry);
        let waits = waiting.next().unwrap_or_else(|| panic!("{step:?} waits"));
        assert_eq!((&waits.step, waits.what), (&step.id, what));
        assert_eq!((&waits.approve, waits.until), (&missing, until));
        assert_eq!(waits.digest.is_some(), what == WaitingFor::Approval);
    }
    assert_eq!(waiting.next(), None, "it does not wait");
}

fn expected_status(plan: &Plan) -> PlanStatus {
    let waits = |step: &Step| plan.waiting.iter().any(|waiting| waiting.step == step.id);
    let goes_on =
        |step: &Step| is(step, StepStatus::InProgress) || (is_ready(plan, step) && !waits(step));
    let untouched = plan.steps.iter().all(|step| is(step, StepStatus::Pending));
    let tries_again = plan.waiting.iter().any(|waiting| waiting.until.is_some());
    if plan.cancelled.is_some() {
        PlanStatus::Cancelled
    } else if all_done(plan) {
        PlanStatus::Done
    } else if plan.steps.iter().any(goes_on) {
        if untouched {
            PlanStatus::Pending
        } else {
            PlanStatus::Running
        }
    } else if any(plan, StepStatus::Error) && !(plan.run.is_some() && tries_again) {
        PlanStatus::Error
    } else {
        PlanStatus::Waiting
    }
}
