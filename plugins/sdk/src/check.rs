//! The verdict of a pre-execution check. The services that check a plan before it acts, srl and
//! hardening, name what they found differently and decide alike.

use serde::Deserialize;
use serde_json::Value;

use crate::answer::words;
use crate::{Fault, Response, Verdict};

/// What of a check's answer decides.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    allow_execution: bool,
    require_approval: bool,
    #[serde(default)]
    summary: Value,
}

/// What the answer of `service`, a checking service, means. A no wins over a wish for approval:
/// the services say both at once.
pub fn verdict(service: &str, response: &Response) -> Result<Verdict, Fault> {
    let check: Check = response.answer(service)?;
    let reason = |decision: &str| {
        words(&check.summary)
            .unwrap_or_else(|| format!("{service} {decision} and gives no summary"))
    };
    Ok(if !check.allow_execution {
        Verdict::Blocked(reason("does not allow execution"))
    } else if check.require_approval {
        response.needs_approval(&reason("requires approval"))
    } else {
        response.done()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reviewed;
    use crate::testing::response;

    fn of(body: &str) -> Verdict {
        verdict("srl", &response(200, "application/json", body)).unwrap_or_else(Verdict::from)
    }

    #[test]
    fn a_no_without_a_summary_is_still_a_no() {
        for summary in ["\" \"", "null", "7"] {
            let body =
                format!(r#"{{"allowExecution":false,"requireApproval":true,"summary":{summary}}}"#);
            assert_eq!(
                of(&body),
                Verdict::Blocked("srl does not allow execution and gives no summary".to_owned()),
                "{summary}"
            );
        }
    }

    #[test]
    fn a_wish_for_approval_without_a_summary_still_has_a_reason() {
        let body = r#"{"allowExecution":true,"requireApproval":true}"#;
        assert_eq!(
            of(body),
            Verdict::NeedsApproval(Reviewed {
                result: body.to_owned(),
                reason: "srl requires approval and gives no summary".to_owned(),
            })
        );
    }

    #[test]
    fn both_decisions_are_needed_as_booleans() {
        for body in [
            r#"{"ok":true,"summary":"fine"}"#,
            r#"{"allowExecution":true}"#,
            r#"{"allowExecution":"true","requireApproval":false}"#,
            r#"{"allowExecution":true,"requireApproval":null}"#,
        ] {
            assert!(matches!(of(body), Verdict::Failed(_)), "{body}");
        }
    }
}
