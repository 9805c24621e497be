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

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use serde_json::json;

    use crate::testing::{chain, context, finished};

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
    fn a_result_is_awaited_only_of_a_step_that_comes_before() {
        assert_eq!(context("trends").awaited("strategy", "the plays"), Ok(None));
        assert_eq!(
            chain("strategy").awaited("trends", "the items"),
            Ok(None),
            "trends comes after strategy"
        );
        assert_eq!(
            chain("strategy").awaited("strategy", "the plays"),
            Ok(None),
            "no step waits for itself"
        );
    }

    #[test]
    fn a_result_that_is_not_there_yet_is_named() {
        assert_eq!(
            chain("trends").awaited("strategy", "the plays"),
            Err("it uses the plays of step-4 (strategy), which has not answered yet".to_owned())
        );
    }

    /// The host gives null for it.
    #[test]
    fn a_step_that_was_skipped_is_not_waited_for() {
        let mut context = chain("trends");
        context.finished = vec![finished("step-4", "strategy", &json!(null))];
        assert_eq!(
            context.awaited("strategy", "the plays"),
            Ok(Some(json!(null)))
        );
    }

    #[test]
    fn the_result_of_the_last_step_before_is_the_one_awaited() {
        let mut context = chain("trends");
        let mut again = context.steps[3].clone();
        again.id = "step-4b".to_owned();
        context.steps.insert(4, again);
        context.finished = vec![finished("step-4", "strategy", &json!({"n": 1}))];
        let error = context.awaited("strategy", "the plays").err();
        assert!(error.is_some_and(|error| error.contains("step-4b")));
        let second = finished("step-4b", "strategy", &json!({"n": 2}));
        context.finished.push(second);
        assert_eq!(
            context.awaited("strategy", "the plays"),
            Ok(Some(json!({"n": 2})))
        );
    }

    #[test]
    fn an_awaited_result_that_is_no_json_is_refused() {
        let mut context = chain("trends");
        context.finished = vec![finished("step-4", "strategy", &json!({}))];
        context.finished[0].result = "{".to_owned();
        let error = context.awaited("strategy", "the plays").err();
        let expected = "the result of step-4 (strategy) is not JSON";
        assert!(error.is_some_and(|error| error.starts_with(expected)));
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
        let mut context = context("srl");
        let suggested = [
            "Decompose into monitored steps",
            "Log all actions",
            "Prepare rollback plan",
        ];
        let answer = json!({"action": "allow", "suggestedNextSteps": suggested});
        context.finished = vec![finished("step-1", "autonomy", &answer)];
        assert_eq!(
            context.planned_actions(),
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
