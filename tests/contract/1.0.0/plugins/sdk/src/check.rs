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
