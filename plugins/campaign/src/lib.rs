//! The step kind `campaign`: has the campaign service create a campaign, as a draft. Every call
//! creates one more.
//!
//! In a plan with trends and a strategy before it, the campaign is where trends found something and
//! lasts as long as the strategy plans ahead. It never spends money that nobody asked it to spend:
//! the budget is 0 unless the settings name one.

mod brief;
mod settings;

use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict};
use serde::Deserialize;
use serde_json::json;

const SERVICE: &str = "campaign";
const ENDPOINT: &str = "/campaign/create";

/// The plugin.
pub struct Campaign;

codex_mesh_sdk::export!(Campaign);

/// The answer.
#[derive(Deserialize)]
struct Answer {
    campaign: Created,
}

/// What of the campaign matters: that it can be found again.
#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Step for Campaign {
    fn describe() -> Manifest {
        Manifest {
            kind: "campaign".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Create campaign".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Has the campaign service create a campaign for the goal, as a draft."
                .to_owned(),
            settings_schema: settings::schema().to_string(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let brief = brief::of(context)?;
        Ok(Request::post(ENDPOINT, &json!(brief)))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let answer: Answer = response.answer(SERVICE)?;
        if answer.campaign.id.trim().is_empty() {
            return Err(Fault::Failed(format!(
                "campaign answered {} but created a campaign without an id",
                response.status
            )));
        }
        Ok(response.done())
    }
}

#[cfg(test)]
mod tests;
