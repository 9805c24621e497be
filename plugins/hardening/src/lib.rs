//! The step kind `hardening`: asks the hardening service whether the system is stable enough to
//! go on.
//!
//! The service answers 200 whatever it finds; the decision is the body's `allowExecution` and
//! `requireApproval`.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict, check,
};
use serde_json::json;

const SERVICE: &str = "hardening";
const ENDPOINT: &str = "/hardening/check";

/// The plugin.
pub struct Hardening;

codex_mesh_sdk::export!(Hardening);

impl Step for Hardening {
    fn describe() -> Manifest {
        Manifest {
            kind: "hardening".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Run hardening check".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the hardening service whether the services are up and quick, and \
                          the planned actions show no loop, before anything is done."
                .to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({
            "sessionId": context.plan.session_id,
            "domain": context.step.domain,
            "actionSummary": context.plan.goal,
            "servicesInvolved": context.services(),
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

    const ALONE: &str = "hardening-check.json";
    const STUBBED: &str = "hardening-check-dependencies-stubbed.json";

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Hardening>(
            "hardening",
            "Run hardening check",
            "/hardening/check",
        );
    }

    #[test]
    fn sends_the_goal_the_services_and_the_step_that_will_act() {
        assert_eq!(
            payload::<Hardening>(&context("hardening")),
            json!({
                "sessionId": "s1",
                "domain": "social",
                "actionSummary": "Plan and execute a 7-day TikTok & Shorts content cycle.",
                "servicesInvolved": ["autonomy", "srl", "hardening", "workflow"],
                "plannedActions": ["step-4: workflow /workflow/create"],
            })
        );
    }

    #[test]
    fn sends_what_autonomy_suggested_once_it_has_answered() {
        assert_eq!(
            payload::<Hardening>(&autonomy_answered("hardening"))["plannedActions"],
            json!([
                "step-4: workflow /workflow/create",
                "Decompose into monitored steps",
                "Log all actions",
                "Prepare rollback plan",
            ])
        );
    }

    #[test]
    fn no_issues_are_done_with_the_whole_answer() {
        for name in ["all_healthy", "crossval_2900ms"] {
            let answer = recorded(STUBBED, name);
            assert_eq!(
                verdict::<Hardening>(&answer),
                Verdict::Done(answer.body),
                "{name}"
            );
        }
    }

    #[test]
    fn a_warning_needs_approval_with_the_summary_as_reason() {
        for (name, reason) in [
            (
                "loop_only",
                "[WARN] LOOP_RISK: Potential loop risk: same action repeated many times \
                 back-to-back.",
            ),
            (
                "crossval_3200ms",
                "[WARN] HIGH_LATENCY: Service crossval has high latency: 3204ms.",
            ),
            (
                "two_services_3200ms_each",
                "[WARN] HIGH_LATENCY: Service crossval has high latency: 3205ms. | [WARN] \
                 HIGH_LATENCY: Service optimizer has high latency: 3204ms.",
            ),
        ] {
            let answer = recorded(STUBBED, name);
            let reviewed = Reviewed {
                result: answer.body.clone(),
                reason: reason.to_owned(),
            };
            assert_eq!(
                verdict::<Hardening>(&answer),
                Verdict::NeedsApproval(reviewed),
                "{name}"
            );
        }
    }

    #[test]
    fn a_critical_issue_wins_over_the_approval_it_comes_with() {
        for (name, reason) in [
            (
                "selfAudit_503",
                "[CRITICAL] SERVICE_DOWN: Service selfAudit is not healthy.",
            ),
            (
                "brain_down",
                "[CRITICAL] SERVICE_DOWN: Service brain is not healthy.",
            ),
        ] {
            assert_eq!(
                verdict::<Hardening>(&recorded(STUBBED, name)),
                Verdict::Blocked(reason.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_block_names_every_service_that_is_down() {
        let Verdict::Blocked(reason) = verdict::<Hardening>(&recorded(ALONE, "good_as_mesh_sends"))
        else {
            panic!("services that are down block");
        };
        for service in [
            "orchestrator",
            "telemetry",
            "stability",
            "selfAudit",
            "crossval",
            "optimizer",
        ] {
            assert!(reason.contains(service), "{service}: {reason}");
        }
    }

    #[test]
    fn recorded_faults_are_failures_with_their_detail() {
        for (name, reason) in [
            (
                "plannedActions_string_len>=4",
                "hardening answered 500: plannedActions.filter is not a function",
            ),
            (
                "wrong_method_GET",
                "hardening answered 404: Route GET:/hardening/check not found",
            ),
        ] {
            assert_eq!(
                verdict::<Hardening>(&recorded(ALONE, name)),
                Verdict::Failed(reason.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_no_yes() {
        testing::assert_faults::<Hardening>();
    }

    #[test]
    fn an_ok_without_a_decision_is_no_yes() {
        let body = r#"{"ok":true,"allowExecution":true,"issues":[]}"#;
        assert_eq!(
            verdict::<Hardening>(&response(200, "application/json", body)),
            Verdict::Failed(
                "hardening answered 200 with JSON that is not its usual answer: missing field \
                 `requireApproval`"
                    .to_owned()
            )
        );
    }
}
