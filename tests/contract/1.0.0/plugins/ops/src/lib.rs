//! The step kind `ops`: asks the operations service how the system is doing.
//!
//! `ok` is true in every answer, also when everything is down: `status` decides.

use codex_mesh_sdk::answer::quote;
use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};
use serde::Deserialize;

const SERVICE: &str = "ops";
const ENDPOINT: &str = "/ops/health";

/// How many unhealthy services a reason names: enough to start looking.
const NAMED: usize = 10;

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
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(_context: &Context) -> Result<Request, String> {
        Ok(Request::get(ENDPOINT))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let health: Health = response.answer(SERVICE)?;
        match health.status.as_str() {
            "GREEN" => Ok(response.done()),
            "YELLOW" => Ok(response.needs_approval(&health.reason())),
            "RED" => Ok(Verdict::Blocked(health.reason())),
            other => Err(Fault::Failed(format!(
                "ops answered with an unknown status {:?}",
                quote(other)
            ))),
        }
    }
}
