//! What a case leaves out of its plan: the shortest plan that fits what it says.

use super::model::{CaseContext, Content, Planned};
use crate::plan::Effect;
use crate::registry::Manifest;
use crate::sandbox::bindings as wit;
use crate::sandbox::{Clock, Moment};

impl CaseContext {
    /// All of it, for a plugin with this manifest whose usual request has this effect.
    pub(super) fn complete(&self, manifest: &Manifest, effect: Effect) -> wit::Context {
        let steps = self.steps(manifest, effect);
        let finished = self.finished(&steps);
        let unfinished = |step: &&wit::PlannedStep| {
            step.kind == manifest.kind && finished.iter().all(|done| done.id != step.id)
        };
        let id = self.step.id.clone();
        let id = id.or_else(|| steps.iter().find(unfinished).map(|step| step.id.clone()));
        wit::Context {
            step: wit::ThisStep {
                id: id.unwrap_or_else(|| numbered(steps.len())),
                domain: self
                    .step
                    .domain
                    .as_ref()
                    .unwrap_or(&self.plan.domain)
                    .clone(),
                attempt: self.step.attempt.unwrap_or(1),
                settings: self
                    .step
                    .settings
                    .as_ref()
                    .map_or("{}".to_owned(), Content::text),
            },
            plan: wit::PlanInfo {
                id: self.plan.id.clone(),
                session_id: self.plan.session_id.clone(),
                domain: self.plan.domain.clone(),
                goal: self.plan.goal.clone(),
                mode: self.plan.mode.into(),
            },
            steps,
            finished,
        }
    }

    /// The same in every call.
    pub(super) fn clock(&self) -> Clock {
        Clock::Still(Moment {
            now_ms: self.clock.now,
            time_left_ms: self.clock.time_left,
        })
    }

    fn steps(&self, manifest: &Manifest, effect: Effect) -> Vec<wit::PlannedStep> {
        let kind = |kind: &String| Planned {
            id: None,
            kind: kind.clone(),
            service: None,
            endpoint: None,
            effect: None,
        };
        let implied = || {
            let finished = self.finished.iter().map(|step| Planned {
                id: step.id.clone(),
                ..kind(&step.kind)
            });
            let this = Planned {
                id: self.step.id.clone(),
                ..kind(&manifest.kind)
            };
            finished.chain([this]).collect()
        };
        let steps = if self.steps.is_empty() {
            implied()
        } else {
            self.steps.clone()
        };
        let complete = |(index, step): (usize, Planned)| {
            let ours = step.kind == manifest.kind;
            let usual =
                |ours_is: &str, others: String| if ours { ours_is.to_owned() } else { others };
            wit::PlannedStep {
                id: step.id.unwrap_or_else(|| numbered(index)),
                service: step
                    .service
                    .unwrap_or_else(|| usual(&manifest.service, step.kind.clone())),
                endpoint: step
                    .endpoint
                    .unwrap_or_else(|| usual(&manifest.endpoint, format!("/{}", step.kind))),
                effect: step
                    .effect
                    .unwrap_or(if ours { effect } else { Effect::Read })
                    .into(),
                kind: step.kind,
            }
        };
        steps.into_iter().enumerate().map(complete).collect()
    }

    fn finished(&self, steps: &[wit::PlannedStep]) -> Vec<wit::FinishedStep> {
        let mut finished: Vec<wit::FinishedStep> = Vec::new();
        for step in &self.finished {
            let next = |planned: &&wit::PlannedStep| {
                planned.kind == step.kind && finished.iter().all(|done| done.id != planned.id)
            };
            let id = step.id.clone();
            let id = id.or_else(|| steps.iter().find(next).map(|planned| planned.id.clone()));
            let id = id.unwrap_or_else(|| numbered(finished.len()));
            finished.push(wit::FinishedStep {
                id,
                kind: step.kind.clone(),
                result: step.result.text(),
            });
        }
        finished
    }
}

/// The id of the step at this place.
fn numbered(index: usize) -> String {
    format!("step-{}", index.saturating_add(1))
}
