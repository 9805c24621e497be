//! The step kind `srl`: asks the self-regulation service whether the plan may go on.
//!
//! The service answers 200 whatever it finds; the decision is the body's `allowExecution` and
//! `requireApproval`.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict, check,
};
use serde_json::json;

const SERVICE: &str = "srl";
const ENDPOINT: &str = "/srl/check";

/// The plugin.
pub struct Srl;

codex_mesh_sdk::export!(Srl);

impl Step for Srl {
    fn describe() -> Manifest {
        Manifest {
            kind: "srl".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Run self-regulation (SRL)".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the self-regulation service whether the goal is clear and safe, \
                          and the planned actions show no loop, before anything is done."
                .to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({
            "sessionId": context.plan.session_id,
            "domain": context.step.domain,
            "contentSummary": context.plan.goal,
            "plannedActions": context.planned_actions(),
        });
        Ok(Request::post(ENDPOINT, &payload))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        check::verdict(SERVICE, response)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use codex_mesh_sdk::Reviewed;
    use codex_mesh_sdk::testing::{
        self, autonomy_answered, context, payload, recorded, response, verdict,
    };

    use super::*;

    const ALONE: &str = "srl-check.json";
    const STUBBED: &str = "srl-check-dependencies-stubbed.json";

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Srl>("srl", "Run self-regulation (SRL)", "/srl/check");
    }

    #[test]
    fn sends_the_goal_and_the_step_that_will_act() {
        assert_eq!(
            payload::<Srl>(&context("srl")),
            json!({
                "sessionId": "s1",
                "domain": "social",
                "contentSummary": "Plan and execute a 7-day TikTok & Shorts content cycle.",
                "plannedActions": ["step-4: workflow /workflow/create"],
            })
        );
    }

    #[test]
    fn sends_what_autonomy_suggested_once_it_has_answered() {
        assert_eq!(
            payload::<Srl>(&autonomy_answered("srl"))["plannedActions"],
            json!([
                "step-4: workflow /workflow/create",
                "Decompose into monitored steps",
                "Log all actions",
                "Prepare rollback plan",
            ])
        );
    }

    #[test]
    fn no_findings_are_done_with_the_whole_answer() {
        for name in [
            "all_healthy_no_findings",
            "dangerous_goal_audit_silent",
            "self_audit_500_json",
        ] {
            let answer = recorded(STUBBED, name);
            assert_eq!(
                verdict::<Srl>(&answer),
                Verdict::Done(answer.body),
                "{name}"
            );
        }
    }

    #[test]
    fn a_warning_needs_approval_with_the_summary_as_reason() {
        let unavailable = "[WARN] SAFETY_RISK: Self-Audit unavailable. Proceed with caution.";
        for (file, name, reason) in [
            (ALONE, "good_as_mesh_sends", unavailable),
            (STUBBED, "self_audit_not_json", unavailable),
            (
                STUBBED,
                "loop_only",
                "[WARN] LOOP_RISK: Planned actions show repeated identical steps, indicating \
                 possible loop behavior.",
            ),
            (
                STUBBED,
                "unclear_only",
                "[WARN] UNCLEAR_OBJECTIVE: Goal is missing or too vague for safe autonomous \
                 execution.",
            ),
            (
                STUBBED,
                "cpu_95_resource_stress",
                "[WARN] RESOURCE_STRESS: CPU usage is high. Avoid launching heavy workflows.",
            ),
        ] {
            let answer = recorded(file, name);
            let reviewed = Reviewed {
                result: answer.body.clone(),
                reason: reason.to_owned(),
            };
            assert_eq!(
                verdict::<Srl>(&answer),
                Verdict::NeedsApproval(reviewed),
                "{name}"
            );
        }
    }

    #[test]
    fn a_block_wins_over_the_approval_it_comes_with() {
        let block = "[BLOCK] SAFETY_RISK: Self-Audit reported CRITICAL issues. Execution should \
                     be blocked.";
        let answer = recorded(STUBBED, "self_audit_CRITICAL_block");
        assert_eq!(verdict::<Srl>(&answer), Verdict::Blocked(block.to_owned()));

        let answer = recorded(STUBBED, "self_audit_CRITICAL_plus_loop");
        let Verdict::Blocked(reason) = verdict::<Srl>(&answer) else {
            panic!("a block with a warning is a block");
        };
        assert!(reason.starts_with(block), "{reason}");
        assert!(reason.contains("[WARN] LOOP_RISK"), "{reason}");
    }

    #[test]
    fn recorded_faults_are_failures_with_their_detail() {
        for (name, reason) in [
            (
                "plannedActions_string",
                "srl answered 500: actions.filter is not a function",
            ),
            (
                "contentSummary_number",
                "srl answered 500: ctx.goal.trim is not a function",
            ),
            (
                "non_json_body",
                "srl answered 400: Unexpected token 'h', \"this is not json{\" is not valid JSON",
            ),
        ] {
            assert_eq!(
                verdict::<Srl>(&recorded(ALONE, name)),
                Verdict::Failed(reason.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_no_yes() {
        testing::assert_faults::<Srl>();
    }

    #[test]
    fn an_ok_without_a_decision_is_no_yes() {
        let answer = response(200, "application/json", r#"{"ok":true,"summary":"fine"}"#);
        assert_eq!(
            verdict::<Srl>(&answer),
            Verdict::Failed(
                "srl answered 200 with JSON that is not its usual answer: missing field \
                 `allowExecution`"
                    .to_owned()
            )
        );
    }
}
