//! What a legal change changes, and what it leaves alone.

use codex_mesh::plan::{
    Applied, Event, Finished, HistoryEntry, Outcome, Plan, PlanStatus, Starter, Step, StepStatus,
    Timestamp, Transition,
};

use super::legal::may_begin;
use super::record::{Record, retried};

/// A step that changed, with where it stood before and after.
type Moved = (String, StepStatus, StepStatus);

/// Holds what came of a change against what it should be; the record is from before it.
pub fn assert_change(
    record: &Record,
    before: &Plan,
    transition: &Transition,
    applied: &Applied,
    now: Timestamp,
) {
    let after = &applied.plan;
    let goes_back = matches!(transition, Transition::Retry { .. });
    let moved = moved(before, after, |old, new| {
        old != new && !(goes_back && as_it_went(old) == as_it_went(new))
    });
    if goes_back {
        assert_used_up(record, &moved, after);
    }
    match expected(record, before, transition, now) {
        Some(expected) => assert_eq!(moved, expected, "{transition:?}"),
        None => assert!(moved.iter().all(|(_, old, new)| old == new)),
    }
    for (old, new) in before.steps.iter().zip(&after.steps) {
        assert_step_change(record, old, transition, new, now);
    }
    assert_eq!(untouchable(before), untouchable(after));
    assert_eq!(after.updated_at, now);
    let began = matches!(transition, Transition::Run);
    assert!(after.run == before.run || after.run.is_none() || began);
    let cancelled = matches!(transition, Transition::Cancel { .. });
    assert!(after.cancelled == before.cancelled || cancelled);
    assert_entries(transition, &moved, applied, now);
    assert_events(before, &moved, transition, applied);
}

fn moved(before: &Plan, after: &Plan, has: impl Fn(&Step, &Step) -> bool) -> Vec<Moved> {
    assert_eq!(before.steps.len(), after.steps.len());
    let steps = before.steps.iter().zip(&after.steps);
    steps
        .filter(|(old, new)| has(old, new))
        .map(|(old, new)| (old.id.clone(), old.status, new.status))
        .collect()
}

/// A step without what other steps use up of its approval.
fn as_it_went(step: &Step) -> Step {
    let mut step = step.clone();
    if let Some(grant) = step.approval.as_mut().and_then(|a| a.grant.as_mut()) {
        grant.writes.clear();
    }
    step
}

/// What was approved of a write that goes back was for the time before.
fn assert_used_up(record: &Record, moved: &[Moved], after: &Plan) {
    let wrote = moved.iter().filter(|(id, ..)| record.may_have_written(id));
    for (id, ..) in wrote {
        let grants = after
            .steps
            .iter()
            .filter_map(|step| step.approval.as_ref()?.grant.as_ref());
        assert!(
            grants
                .into_iter()
                .all(|grant| !grant.writes.contains_key(id)),
            "{id}"
        );
    }
}

/// Which steps go where; `None` if none goes anywhere.
fn expected(
    record: &Record,
    plan: &Plan,
    transition: &Transition,
    now: Timestamp,
) -> Option<Vec<Moved>> {
    use StepStatus::{Done, Error, InProgress, Pending};
    let one = |id: &String, old, new| Some(vec![(id.clone(), old, new)]);
    match transition {
        Transition::Start(Starter::Client) => {
            let mut steps = plan.steps.iter();
            let first = steps.find(|step| may_begin(record, plan, step, now));
            one(&first.unwrap().id, Pending, InProgress)
        }
        Transition::Start(Starter::Run(id)) => one(id, Pending, InProgress),
        Transition::Hold(id, _) | Transition::Release(id) => one(id, InProgress, Pending),
        Transition::Finish(finished) => {
            let end = end_of(record, plan, finished);
            one(&finished.step, InProgress, end)
        }
        Transition::Interrupt => {
            let cut = plan.steps.iter().filter(|step| step.status == InProgress);
            let goes_back = |step: &Step| !record.wrote_since(&step.id) || step.repeatable;
            let settled = cut.map(|step| {
                let end = if goes_back(step) { Pending } else { Error };
                (step.id.clone(), InProgress, end)
            });
            Some(settled.collect())
        }
        Transition::Reject { step, .. } => one(step, plan.step(step).unwrap().status, Error),
        Transition::Skip { step, .. } => one(step, plan.step(step).unwrap().status, Done),
        Transition::Retry { step: to, .. } => {
            let ids = retried(plan, to.as_deref());
            let touched = |step: &&Step| {
                step.status != Pending || step.retry.is_some() || record.may_have_written(&step.id)
            };
            let back = plan.steps.iter().filter(|step| ids.contains(&step.id));
            let back = back.filter(touched);
            Some(
                back.map(|step| (step.id.clone(), step.status, Pending))
                    .collect(),
            )
        }
        Transition::Send(..) | Transition::Show(..) | Transition::Run => None,
        Transition::Approve { .. } | Transition::Cancel { .. } => None,
    }
}

/// Where the end of a step leaves it: one that asks for time gets it from a run, within the limit,
/// and never for a write.
fn end_of(record: &Record, plan: &Plan, finished: &Finished) -> StepStatus {
    let Finished { step, outcome, .. } = finished;
    match outcome {
        Outcome::Done { .. } if finished.most_bytes == 0 => StepStatus::Error,
        Outcome::Done { .. } => StepStatus::Done,
        Outcome::Error { .. } => StepStatus::Error,
        Outcome::Later { most, .. } => {
            let wrote = record.may_have_written(step) && !finished.nothing_written;
            let retry = &plan.step(step).unwrap().retry;
            let waited = retry.as_ref().map_or(0, |retry| retry.count);
            if plan.run.is_some() && !wrote && waited < *most {
                StepStatus::Pending
            } else {
                StepStatus::Error
            }
        }
    }
}

fn assert_step_change(
    record: &Record,
    old: &Step,
    transition: &Transition,
    new: &Step,
    now: Timestamp,
) {
    let again = match (transition, old.status, new.status) {
        (Transition::Finish(_), StepStatus::InProgress, StepStatus::Pending) => true,
        (Transition::Retry { .. }, ..) => as_it_went(old) != as_it_went(new),
        _ => false,
    };
    assert_eq!(new.attempt, old.attempt + u32::from(again), "{new:?}");
    if let Transition::Finish(Finished { outcome, .. }) = transition
        && let Outcome::Later { after_ms, .. } = outcome
        && new.status == StepStatus::Pending
        && old.status == StepStatus::InProgress
    {
        let due = new.retry.as_ref().unwrap().not_before.as_millis() - now.as_millis();
        assert_eq!(u64::try_from(due).unwrap(), *after_ms);
    }
    if *transition == Transition::Interrupt && new.status == StepStatus::Error && old != new {
        let error = new.error.as_deref().unwrap();
        assert!(error.starts_with("interrupted: the call may have happened"));
    }
    if record.may_have_written(&old.id) && !new.sent {
        let asked = matches!(transition, Transition::Retry { repeat_writes, .. } if *repeat_writes);
        let proven = matches!(transition, Transition::Finish(end) if end.nothing_written);
        assert!(asked || proven, "{transition:?} forgot a write: {new:?}");
    }
}

/// The plan without what may change.
fn untouchable(plan: &Plan) -> Plan {
    Plan {
        steps: Vec::new(),
        status: PlanStatus::Pending,
        waiting: Vec::new(),
        run: None,
        cancelled: None,
        updated_at: plan.created_at,
        ..plan.clone()
    }
}

/// Every step that goes somewhere has its entry, and so has what happens to the plan.
fn assert_entries(transition: &Transition, moved: &[Moved], applied: &Applied, now: Timestamp) {
    let about: Vec<Option<String>> = applied.entries.iter().map(|e| e.step.clone()).collect();
    let expected = match transition {
        Transition::Send(id, _) | Transition::Show(id, _) => vec![Some(id.clone())],
        Transition::Run | Transition::Cancel { .. } => vec![None],
        _ => moved.iter().map(|(id, ..)| Some(id.clone())).collect(),
    };
    assert_eq!(about, expected, "{transition:?}");
    for entry in &applied.entries {
        assert_eq!(
            (entry.at, entry.plan_status),
            (now, Some(applied.plan.status))
        );
        let text = serde_json::to_string(entry).unwrap();
        let again: HistoryEntry = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }
}

/// What the audit log is told: each step's end and each decision once, where the plan stands when
/// that is new, and nothing else.
fn assert_events(before: &Plan, moved: &[Moved], transition: &Transition, applied: &Applied) {
    let decided = match transition {
        Transition::Retry { .. } => moved.len(),
        Transition::Approve { .. }
        | Transition::Reject { .. }
        | Transition::Skip { .. }
        | Transition::Cancel { .. }
        | Transition::Run
        | Transition::Hold(..) => 1,
        _ => 0,
    };
    let settled = |new: &StepStatus| matches!(new, StepStatus::Done | StepStatus::Error);
    let by_host = matches!(transition, Transition::Finish(_) | Transition::Interrupt);
    let goes = |end: bool| {
        moved
            .iter()
            .filter(|(_, _, new)| settled(new) == end)
            .count()
    };
    let ended = if by_host { goes(true) } else { 0 };
    let postponed = matches!(transition, Transition::Finish(_)) && goes(false) > 0;
    let count = |is: fn(&Event) -> bool| applied.events.iter().filter(|event| is(event)).count();
    assert_eq!(count(|e| matches!(e, Event::StepFinished(_))), ended);
    assert_eq!(count(|e| matches!(e, Event::Decided(_))), decided);
    assert_eq!(
        count(|e| matches!(e, Event::Postponed(..))),
        usize::from(postponed)
    );
    let status = applied.plan.status;
    let stands = (before.status != status).then_some(status);
    let tells = |event: &Event| applied.events.contains(event);
    assert_eq!(tells(&Event::Completed), stands == Some(PlanStatus::Done));
    assert_eq!(tells(&Event::Stopped), stands == Some(PlanStatus::Error));
    assert_eq!(tells(&Event::Waiting), stands == Some(PlanStatus::Waiting));
    assert!(!tells(&Event::Created));
    for event in &applied.events {
        let content: serde_json::Value =
            serde_json::from_str(&event.content(&applied.plan)).unwrap();
        let steps = content["steps"].as_array().unwrap();
        assert_eq!(steps.len(), applied.plan.steps.len());
    }
}
