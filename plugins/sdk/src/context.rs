//! Questions a plugin asks about its plan.

use serde_json::Value;

use crate::{Context, Effect};

impl Context {
    /// The result of the last finished step of this kind.
    pub fn result_of(&self, kind: &str) -> Option<Value> {
        let step = self.finished.iter().rev().find(|step| step.kind == kind)?;
        serde_json::from_str(&step.result).ok()
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

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use serde_json::json;

    use crate::testing::{autonomy_answered, context, finished};

    #[test]
    fn the_last_result_of_a_kind_counts() {
        let mut context = context("workflow");
        assert_eq!(context.result_of("srl"), None);
        context.finished = vec![
            finished("step-1", "srl", &json!({"n": 1})),
            finished("step-2", "srl", &json!({"n": 2})),
            finished("step-3", "hardening", &json!({"n": 3})),
        ];
        assert_eq!(context.result_of("srl"), Some(json!({"n": 2})));
    }

    #[test]
    fn a_result_that_is_no_json_is_none() {
        let mut context = context("workflow");
        context.finished = vec![finished("step-1", "srl", &json!({}))];
        context.finished[0].result = "{".to_owned();
        assert_eq!(context.result_of("srl"), None);
    }

    #[test]
    fn before_autonomy_answers_only_the_acting_steps_are_planned() {
        assert_eq!(
            context("srl").planned_actions(),
            ["step-4: workflow /workflow/create"]
        );
    }

    #[test]
    fn what_autonomy_suggests_is_planned_as_well() {
        assert_eq!(
            autonomy_answered("srl").planned_actions(),
            [
                "step-4: workflow /workflow/create",
                "Decompose into monitored steps",
                "Log all actions",
                "Prepare rollback plan",
            ]
        );
    }

    #[test]
    fn suggestions_that_are_no_texts_are_left_out() {
        let mut context = context("srl");
        for (suggested, expected) in [
            (json!(["a", 1, null, {"action": "b"}]), vec!["a"]),
            (json!("a"), vec![]),
            (json!(null), vec![]),
        ] {
            let answer = json!({"action": "allow", "suggestedNextSteps": suggested});
            context.finished = vec![finished("step-1", "autonomy", &answer)];
            assert_eq!(context.planned_actions()[1..], expected);
        }
    }

    #[test]
    fn every_service_is_named_once() {
        let mut context = context("hardening");
        context.steps.push(context.steps[1].clone());
        assert_eq!(
            context.services(),
            ["autonomy", "srl", "hardening", "workflow"]
        );
    }
}
