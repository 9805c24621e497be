//! What the campaign service is sent: the settings, and for what they leave out, what follows from
//! the plan and from the results before this step.

use codex_mesh_sdk::Context;
use codex_mesh_sdk::request::one_line;
use codex_mesh_sdk::settings::whole_number;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::settings::{LAUNCH, MOST_DAYS, ORGANIC, PURCHASES, Settings, VIEWS};

/// The longest name and the longest niche, in characters.
const LONGEST_NAME: usize = 80;
const LONGEST_NICHE: usize = 300;
/// How many of the topics that trends found make the niche: the service orders them, the best first.
const TOPICS: usize = 3;
/// How long a campaign lasts where nothing says so: as far as a strategy plans ahead by default.
const DEFAULT_DAYS: u64 = 7;
/// The platforms that a campaign can be on, in the words of trends. Its `all` is none of them.
const PLATFORMS: [&str; 4] = ["tiktok", "youtube", "instagram", "google"];
/// Where a campaign is on when trends named no platform: where one can post.
const DEFAULT_PLATFORMS: [&str; 3] = ["tiktok", "youtube", "instagram"];

/// The request's body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Brief {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_id: Option<String>,
    target: Target,
    goal: Goal,
}

#[derive(Serialize)]
struct Target {
    platforms: Vec<&'static str>,
    niche: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Goal {
    objective: &'static str,
    daily_budget: u64,
    duration_days: u64,
    #[serde(rename = "targetKPI", skip_serializing_if = "Option::is_none")]
    target_kpi: Option<String>,
}

/// The brief of this step's campaign.
///
/// # Errors
/// Which setting is wrong, or which result it waits for.
pub(crate) fn of(context: &Context) -> Result<Brief, String> {
    let settings = Settings::of(context)?;
    let duration_days = match settings.duration_days {
        Some(days) => days,
        None => horizon(context.awaited("strategy", "the horizon")?.as_ref()),
    };
    let trends = context.awaited("trends", "the items")?;
    let items = trends.as_ref().map(items).unwrap_or_default();
    let goal = &context.plan.goal;
    let kind = settings.kind.unwrap_or_else(|| kind(&context.step.domain));
    Ok(Brief {
        name: one_line(goal, LONGEST_NAME),
        kind,
        product_name: settings.product_name,
        store_id: settings.store_id,
        target: Target {
            platforms: platforms(&items),
            niche: one_line(niche(&items).as_deref().unwrap_or(goal), LONGEST_NICHE),
            country: settings.country,
            language: settings.language,
        },
        goal: Goal {
            objective: settings.objective.unwrap_or_else(|| objective(kind)),
            // Never a guess: an invented budget would spend someone's money.
            daily_budget: settings.daily_budget.unwrap_or(0),
            duration_days,
            target_kpi: settings.target_kpi,
        },
    })
}

/// The type of campaign that a domain asks for.
///
/// | mesh | type | because |
/// | --- | --- | --- |
/// | ecomm, monetization | ECOM_LAUNCH | they sell |
/// | all others | SOCIAL_ORGANIC | posting is what they have in common |
///
/// SOCIAL_UGC takes creators, with whom someone has to agree first: only the settings choose it.
fn kind(domain: &str) -> &'static str {
    match domain {
        "ecomm" | "monetization" => LAUNCH,
        _ => ORGANIC,
    }
}

/// What a type of campaign is for: a launch is to sell, and everything else is to be seen.
fn objective(kind: &str) -> &'static str {
    if kind == LAUNCH { PURCHASES } else { VIEWS }
}

/// How far the strategy plans ahead, in days.
fn horizon(strategy: Option<&Value>) -> u64 {
    strategy
        .and_then(|strategy| whole_number(strategy.pointer("/plan/horizonDays")?))
        .filter(|days| (1..=MOST_DAYS).contains(days))
        .unwrap_or(DEFAULT_DAYS)
}

/// What trends found. Nothing where it only had a summary, or where a dry run only showed what it
/// would have asked.
fn items(trends: &Value) -> Vec<&Map<String, Value>> {
    let items = trends.get("items").and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect()
}

/// The platforms that the items are of, once each, in their order.
fn platforms(items: &[&Map<String, Value>]) -> Vec<&'static str> {
    let mut platforms: Vec<&str> = Vec::new();
    for item in items {
        let named = item.get("platform").and_then(Value::as_str);
        let known = PLATFORMS.into_iter().find(|known| named == Some(known));
        if let Some(known) = known
            && !platforms.contains(&known)
        {
            platforms.push(known);
        }
    }
    if platforms.is_empty() {
        platforms.extend(DEFAULT_PLATFORMS);
    }
    platforms
}

/// The first topics.
fn niche(items: &[&Map<String, Value>]) -> Option<String> {
    let topics: Vec<&str> = items
        .iter()
        .filter_map(|item| item.get("topic")?.as_str())
        .filter(|topic| !topic.trim().is_empty())
        .take(TOPICS)
        .collect();
    (!topics.is_empty()).then(|| topics.join(", "))
}
