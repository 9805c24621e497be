//! The step kind `hardening`: asks the hardening service whether the system is stable enough to
//! go on.
//!
//! The service answers 200 whatever it finds; the decision is the body's `allowExecution` and
//! `requireApproval`. A no about services that the operator knows it to be wrong about is set aside.

use codex_mesh_sdk::known_bad::{Found, KnownBad};
use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict, check};
use serde::Deserialize;
use serde_json::{Value, json};

const SERVICE: &str = "hardening";
const ENDPOINT: &str = "/hardening/check";

/// The plugin.
pub struct Hardening;

codex_mesh_sdk::export!(Hardening);

/// What of the answer says why.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    issues: Vec<Value>,
}

/// One thing that the service found.
#[derive(Deserialize)]
struct Issue {
    r#type: String,
    level: String,
    message: String,
}

impl Issue {
    /// The service that it is about, if it is about the state of one: the words of other issues may
    /// be a client's.
    fn service(&self) -> Option<String> {
        let about = self.message.strip_prefix("Service ")?;
        let (name, rest) = match self.r#type.as_str() {
            "SERVICE_DOWN" => about.rsplit_once(" is not healthy")?,
            "HIGH_LATENCY" => about.rsplit_once(" has high latency")?,
            _ => return None,
        };
        let is_end = rest.is_empty() || rest.starts_with(['.', ':']);
        is_end.then(|| name.to_owned())
    }
}

/// What the service found, as far as it is read.
fn found(response: &Response) -> Result<Found, Fault> {
    let answer: Answer = response.answer(SERVICE)?;
    let mut found = Found::default();
    for issue in answer.issues {
        match serde_json::from_value::<Issue>(issue) {
            Ok(issue) if issue.level == "INFO" => {}
            Ok(issue) if issue.level == "WARN" => found.to_review = true,
            Ok(issue) => found.stopping.push(issue.service()),
            Err(_) => found.stopping.push(None),
        }
    }
    Ok(found)
}

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
            settings_schema: String::new(),
        }
        .settings(&KnownBad::settings())
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
        context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        match check::verdict(SERVICE, response)? {
            Verdict::Blocked(no) => {
                let known = KnownBad::of(context).map_err(Fault::Failed)?;
                Ok(known.judge(SERVICE, response, no, &found(response)?))
            }
            verdict => Ok(verdict),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use codex_mesh_sdk::testing::{self, response, verdict};

    use super::*;

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Hardening>(
            "hardening",
            "Run hardening check",
            "/hardening/check",
        );
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
