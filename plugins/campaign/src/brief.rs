//! What the campaign service is sent: the settings, and for what they leave out, what follows from
//! the plan and from the results before this step.

use codex_mesh_sdk::Context;
use codex_mesh_sdk::request::one_line;
use codex_mesh_sdk::settings::whole_number;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::settings::{LAUNCH, MOST_DAYS, ORGANIC, PURCHASES, Settings, VIEWS};

/// The longest name, in characters.
const LONGEST_NAME: usize = 80;
/// How long a campaign lasts where nothing says so: as far as a strategy plans ahead by default.
const DEFAULT_DAYS: u64 = 7;
/// The platforms that a campaign can be on.
const TIKTOK: &str = "tiktok";
const YOUTUBE: &str = "youtube";
const INSTAGRAM: &str = "instagram";

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
    let kind = settings.kind.unwrap_or_else(|| kind(&context.step.domain));
    Ok(Brief {
        name: one_line(&context.plan.goal, LONGEST_NAME),
        kind,
        product_name: settings.product_name,
        store_id: settings.store_id,
        target: Target {
            platforms: platforms(&items, &context.step.domain),
            niche: settings.niche,
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

/// The platforms that the items are of, once each, in their order: what trends is surest of comes
/// first. The domain's where they are of none.
fn platforms(items: &[&Map<String, Value>], domain: &str) -> Vec<&'static str> {
    let mut platforms: Vec<&str> = Vec::new();
    for item in items {
        let named = item.get("platform").and_then(Value::as_str);
        if let Some(known) = named.and_then(platform)
            && !platforms.contains(&known)
        {
            platforms.push(known);
        }
    }
    if platforms.is_empty() {
        platforms.extend(usual_platforms(domain));
    }
    platforms
}

/// The platform of a campaign that trends means. `None` of `all`, and of what is no place to post,
/// as `google`.
fn platform(named: &str) -> Option<&'static str> {
    let letters = named.chars().filter(|c| c.is_alphanumeric());
    let named: String = letters.flat_map(char::to_lowercase).collect();
    match named.as_str() {
        "tiktok" => Some(TIKTOK),
        "youtube" | "youtubeshorts" | "shorts" => Some(YOUTUBE),
        "instagram" | "instagramreels" | "reels" => Some(INSTAGRAM),
        _ => None,
    }
}

/// The platforms of a domain, the most fitting first.
///
/// | mesh | first | because |
/// | --- | --- | --- |
/// | video | youtube | where videos are looked for |
/// | ecomm, monetization | instagram | where things are shown to be bought |
/// | all others | tiktok | where posts are seen by who does not follow yet |
fn usual_platforms(domain: &str) -> [&'static str; 3] {
    match domain {
        "video" => [YOUTUBE, TIKTOK, INSTAGRAM],
        "ecomm" | "monetization" => [INSTAGRAM, TIKTOK, YOUTUBE],
        _ => [TIKTOK, YOUTUBE, INSTAGRAM],
    }
}
