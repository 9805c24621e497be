//! Questions a plugin asks about its plan.

use serde_json::Value;

use crate::{Context, Effect};

impl Context {
    /// The result of the last finished step of this kind.
    pub fn result_of(&self, kind: &str) -> Option<Value> {
        let step = self.finished.iter().rev().find(|step| step.kind == kind)?;
        serde_json::from_str(&step.result).ok()
    }

    /// The result of the last step of this kind before this one; none where the plan has no such
    /// step. `what` says what of it is used, for a person.
    ///
    /// # Errors
    /// Which result is waited for. While the plan is being created that is no fault: the host asks
    /// again once the step's turn has come.
    pub fn awaited(&self, kind: &str, what: &str) -> Result<Option<Value>, String> {
        let before = self.steps.iter().take_while(|step| step.id != self.step.id);
        let Some(awaited) = before.filter(|step| step.kind == kind).last() else {
            return Ok(None);
        };
        let id = &awaited.id;
        let finished = self.finished.iter().find(|step| step.id == *id);
        let finished = finished.ok_or_else(|| {
            format!("it uses {what} of {id} ({kind}), which has not answered yet")
        })?;
        serde_json::from_str(&finished.result)
            .map(Some)
            .map_err(|error| format!("the result of {id} ({kind}) is not JSON: {error}"))
    }

    /// What the plan is about to do: its steps that write, then what autonomy suggested, once it
    /// has answered.
    pub fn planned_actions(&self) -> Vec<String> {
        let acting = self
            .steps
            .iter()
            .filter(|step| step.effect == Effect::Write)
            .map(|step| format!("{}: {} {}", step.id, step.service, step.endpoint));
        let autonomy = self.result_of("autonomy");
        let suggested = autonomy
            .as_ref()
            .and_then(|answer| answer.get("suggestedNextSteps")?.as_array())
            .into_iter()
            .flatten()
            .filter_map(|action| action.as_str().map(str::to_owned));
        acting.chain(suggested).collect()
    }

    /// Every service that the plan asks, once each, in the order of its steps.
    pub fn services(&self) -> Vec<&str> {
        let mut services: Vec<&str> = Vec::new();
        for step in &self.steps {
            if !services.contains(&step.service.as_str()) {
                services.push(&step.service);
            }
        }
        services
    }
}
