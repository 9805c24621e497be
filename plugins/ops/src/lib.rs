//! The step kind `ops`: asks the operations service how the system is doing.
//!
//! `ok` is true in every answer, also when everything is down: `status` decides. A RED about services
//! that the operator knows it to be wrong about is set aside.

use codex_mesh_sdk::answer::quote;
use codex_mesh_sdk::known_bad::{Found, KnownBad};
use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict};
use serde::Deserialize;

const SERVICE: &str = "ops";
const ENDPOINT: &str = "/ops/health";

/// How many unhealthy services a reason names: enough to start looking.
const NAMED: usize = 10;

/// The services without which the operations service still is YELLOW. Its answer does not say
/// which those are; its own list does.
const OPTIONAL: [&str; 16] = [
    "Hands v5",
    "Knowledge Engine",
    "Vision v2.6",
    "Video Engine",
    "Monetization",
    "Voice v2",
    "Strategy",
    "Trends",
    "Simulation",
    "Visibility",
    "E-Commerce",
    "Engagement",
    "Campaign",
    "Creative",
    "Creative Suite",
    "Distribution",
];

/// The plugin.
pub struct Ops;

codex_mesh_sdk::export!(Ops);

/// What of the answer matters.
#[derive(Deserialize)]
struct Health {
    status: String,
    #[serde(default)]
    services: Vec<Probed>,
}

/// One service as the operations service found it.
#[derive(Deserialize)]
struct Probed {
    service: String,
    healthy: bool,
}

impl Health {
    /// What its RED may be owed to.
    fn found(&self) -> Found {
        let unhealthy = self.services.iter().filter(|probed| !probed.healthy);
        let names = unhealthy.map(|probed| probed.service.as_str());
        let (optional, stopping): (Vec<&str>, _) = names.partition(|name| OPTIONAL.contains(name));
        Found {
            stopping: stopping
                .into_iter()
                .map(|name| Some(name.to_owned()))
                .collect(),
            to_review: !optional.is_empty(),
        }
    }

    /// The status, and which services it is owed to.
    fn reason(&self) -> String {
        let unhealthy: Vec<&str> = self
            .services
            .iter()
            .filter(|probed| !probed.healthy)
            .map(|probed| probed.service.as_str())
            .collect();
        if unhealthy.is_empty() {
            return format!(
                "operations are {} and no unhealthy service is named",
                self.status
            );
        }
        let named: Vec<&str> = unhealthy.iter().copied().take(NAMED).collect();
        let more = match unhealthy.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "operations are {}, with {} of {} services unhealthy: {}{more}",
            self.status,
            unhealthy.len(),
            self.services.len(),
            quote(&named.join(", ")),
        )
    }
}

impl Step for Ops {
    fn describe() -> Manifest {
        Manifest {
            kind: "ops".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Check operations health".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Get,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the operations service how the system is doing, and stops the plan \
                          where it is RED."
                .to_owned(),
            settings_schema: String::new(),
        }
        .settings(&KnownBad::settings())
    }

    fn shape(_context: &Context) -> Result<Request, String> {
        Ok(Request::get(ENDPOINT))
    }

    fn interpret(
        context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let health: Health = response.answer(SERVICE)?;
        match health.status.as_str() {
            "GREEN" => Ok(response.done()),
            "YELLOW" => Ok(response.needs_approval(&health.reason())),
            "RED" => {
                let known = KnownBad::of(context).map_err(Fault::Failed)?;
                Ok(known.judge(SERVICE, response, health.reason(), &health.found()))
            }
            other => Err(Fault::Failed(format!(
                "ops answered with an unknown status {:?}",
                quote(other)
            ))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use codex_mesh_sdk::testing::{self, response, verdict};
    use serde_json::{Value, json};

    use super::*;
    use codex_mesh_sdk::Reviewed;

    fn of(body: &Value) -> Verdict {
        verdict::<Ops>(&response(200, "application/json", &body.to_string()))
    }

    fn probed(service: &str, healthy: bool) -> Value {
        json!({"service": service, "port": 4000, "healthy": healthy})
    }

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Ops>("ops", "Check operations health", "/ops/health");
    }

    #[test]
    fn yellow_without_services_still_needs_approval() {
        let body = json!({"ok": true, "status": "YELLOW"});
        assert_eq!(
            of(&body),
            Verdict::NeedsApproval(Reviewed {
                result: body.to_string(),
                reason: "operations are YELLOW and no unhealthy service is named".to_owned(),
            })
        );
    }

    #[test]
    fn a_reason_is_bounded_however_long_the_names() {
        let services = vec![probed(&"x".repeat(50_000), false); 100];
        let body = json!({"ok": true, "status": "RED", "services": services});
        let Verdict::Blocked(reason) = of(&body) else {
            panic!("RED is blocked");
        };
        assert!(reason.chars().count() < 1_200);
        assert!(reason.ends_with(" and 90 more"), "{reason}");
    }

    #[test]
    fn an_unknown_or_missing_status_is_a_failure() {
        for (body, expected) in [
            (
                json!({"ok": true, "status": "PURPLE"}),
                "ops answered with an unknown status \"PURPLE\"",
            ),
            (
                json!({"ok": true, "status": "green"}),
                "ops answered with an unknown status \"green\"",
            ),
            (
                json!({"ok": true, "services": []}),
                "ops answered 200 with JSON that is not its usual answer: missing field `status`",
            ),
        ] {
            assert_eq!(of(&body), Verdict::Failed(expected.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_is_no_yes() {
        testing::assert_faults::<Ops>();
    }
}
