//! The step kind `trends`: asks the trends service what is trending in the plan's niche.
//!
//! The service puts the niche into each of its topics, so it is two or three words.

use codex_mesh_sdk::answer::words;
use codex_mesh_sdk::niche;
use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const SERVICE: &str = "trends";
const ENDPOINT: &str = "/trends/summary";

/// The settings.
const PLATFORM: &str = "platform";
const LANGUAGE: &str = "language";

/// The platforms that the service knows.
const PLATFORMS: [&str; 5] = ["tiktok", "youtube", "instagram", "google", "all"];

/// The longest language tag that anyone has to take (RFC 5646, section 4.4.1).
const LONGEST_LANGUAGE: usize = 35;

/// The plugin.
pub struct Trends;

codex_mesh_sdk::export!(Trends);

/// What of the answer matters.
#[derive(Deserialize)]
struct Answer {
    /// It has to be there; [`Response::answer`] refuses one that is not true.
    #[serde(rename = "ok")]
    _ok: bool,
    #[serde(default)]
    summary: Value,
    items: Option<Vec<Map<String, Value>>>,
}

/// Where a domain looks for trends.
///
/// | mesh | platform | because |
/// | --- | --- | --- |
/// | video | youtube | where videos are looked for |
/// | ecomm, monetization | google | where people look for what they buy |
/// | all others | all | no platform of their own |
fn platform(domain: &str) -> &'static str {
    match domain {
        "video" => "youtube",
        "ecomm" | "monetization" => "google",
        _ => "all",
    }
}

impl Step for Trends {
    fn describe() -> Manifest {
        let text = |description: &str, longest: usize| {
            json!({
                "description": description,
                "type": "string",
                "pattern": "\\S",
                "maxLength": longest,
            })
        };
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                PLATFORM: {
                    "description": "Where to look. The step's domain decides unless given.",
                    "enum": PLATFORMS,
                },
                "niche": niche::schema(),
                LANGUAGE: text(
                    "The language to look in, such as en or pt-BR. The service decides unless \
                     given.",
                    LONGEST_LANGUAGE,
                ),
            },
        });
        Manifest {
            kind: "trends".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Summarize trends".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the trends service what is trending in the plan's niche.".to_owned(),
            settings_schema: schema.to_string(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let given = context.choice_setting(PLATFORM, &PLATFORMS)?;
        let platform = given.unwrap_or_else(|| platform(&context.step.domain));
        let language = context.text_setting(LANGUAGE, LONGEST_LANGUAGE)?;
        let mut payload = Map::new();
        payload.insert("sessionId".to_owned(), json!(context.plan.session_id));
        payload.insert("platform".to_owned(), json!(platform));
        payload.insert("niche".to_owned(), json!(context.niche()?));
        if let Some(language) = language {
            payload.insert("language".to_owned(), json!(language));
        }
        Ok(Request::post(ENDPOINT, &Value::Object(payload)))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let answer: Answer = response.answer(SERVICE)?;
        let no_items = answer.items.is_none_or(|items| items.is_empty());
        if no_items && words(&answer.summary).is_none() {
            return Err(Fault::Failed(format!(
                "trends answered {} with neither items nor a summary",
                response.status
            )));
        }
        Ok(response.done())
    }
}

#[cfg(test)]
mod tests;
