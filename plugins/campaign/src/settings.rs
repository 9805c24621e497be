//! What a person may say of a campaign. What they leave out, `brief` derives.

use codex_mesh_sdk::{Context, niche};
use serde_json::{Value, json};

/// The types of campaigns that the service knows.
pub(crate) const ORGANIC: &str = "SOCIAL_ORGANIC";
pub(crate) const LAUNCH: &str = "ECOM_LAUNCH";
const TYPES: [&str; 3] = [ORGANIC, "SOCIAL_UGC", LAUNCH];

/// What a campaign may be for.
pub(crate) const VIEWS: &str = "VIEWS";
pub(crate) const PURCHASES: &str = "PURCHASES";
const OBJECTIVES: [&str; 5] = [VIEWS, "FOLLOWERS", "CLICKS", "ADD_TO_CART", PURCHASES];

/// The longest text, in characters.
const LONGEST: usize = 120;
/// The longest campaign, in days: as far as a strategy plans ahead.
pub(crate) const MOST_DAYS: u64 = 365;
/// A budget past this is a slip of the finger.
const MOST_BUDGET: u64 = 100_000;

/// What was said, and the niche also where it was not.
pub(crate) struct Settings {
    pub(crate) kind: Option<&'static str>,
    pub(crate) objective: Option<&'static str>,
    pub(crate) daily_budget: Option<u64>,
    pub(crate) duration_days: Option<u64>,
    pub(crate) niche: String,
    pub(crate) country: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) product_name: Option<String>,
    pub(crate) store_id: Option<String>,
    pub(crate) target_kpi: Option<String>,
}

impl Settings {
    /// Reads this step's settings.
    ///
    /// # Errors
    /// Which one is wrong, and what would be right.
    pub(crate) fn of(context: &Context) -> Result<Self, String> {
        let text = |name: &str| context.text_setting(name, LONGEST);
        Ok(Self {
            kind: context.choice_setting("type", &TYPES)?,
            objective: context.choice_setting("objective", &OBJECTIVES)?,
            daily_budget: context.number_setting("dailyBudget", 0..=MOST_BUDGET)?,
            duration_days: context.number_setting("durationDays", 1..=MOST_DAYS)?,
            niche: context.niche()?,
            country: text("country")?,
            language: text("language")?,
            product_name: text("productName")?,
            store_id: text("storeId")?,
            target_kpi: text("targetKPI")?,
        })
    }
}

/// The JSON Schema of the settings.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "type": choice("The type of campaign. The step's domain decides unless given.", &TYPES),
            "objective": choice("What it is for. Its type decides unless given.", &OBJECTIVES),
            "dailyBudget": number(
                "What it may spend a day, in whole units of the account's currency. Nothing \
                 unless given.",
                0,
                MOST_BUDGET,
            ),
            "durationDays": number(
                "How many days it lasts. The horizon of an earlier strategy step unless given.",
                1,
                MOST_DAYS,
            ),
            "niche": niche::schema(),
            "country": text("The country it is for."),
            "language": text("The language it is in."),
            "productName": text("The product it sells."),
            "storeId": text("The store it sells in."),
            "targetKPI": text("The figure it has to reach."),
        },
    })
}

fn text(description: &str) -> Value {
    json!({
        "description": description,
        "type": "string",
        "pattern": "\\S",
        "maxLength": LONGEST,
    })
}

fn choice(description: &str, choices: &[&str]) -> Value {
    json!({"description": description, "enum": choices})
}

fn number(description: &str, least: u64, most: u64) -> Value {
    json!({"description": description, "type": "integer", "minimum": least, "maximum": most})
}
