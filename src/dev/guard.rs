//! What a goal may not ask for, and how risky it is: words are looked for anywhere in it, as the
//! real service does, so a harmless "purchase funnel" is refused as well.

use serde::Serialize;

/// Phrases that ask to destroy something.
const DESTRUCTIVE: [&str; 9] = [
    "delete account",
    "delete all",
    "delete database",
    "drop database",
    "drop table",
    "factory reset",
    "format disk",
    "remove all",
    "rm -rf",
];

/// Phrases that ask to spend money.
const SPENDING: [&str; 4] = [
    "make payment",
    "purchase",
    "transfer money",
    "wire transfer",
];

/// What a word adds to the risk score.
const RISKS: [(&str, u32); 8] = [
    ("account", 15),
    ("delete", 25),
    ("instagram", PLATFORM_RISK),
    ("password", 20),
    ("post", 8),
    ("private", 10),
    ("tiktok", PLATFORM_RISK),
    ("youtube", PLATFORM_RISK),
];

const PLATFORM_RISK: u32 = 5;
const PLATFORMS: [&str; 3] = ["instagram", "tiktok", "youtube"];

/// From here on a person has to agree, whatever the confidence.
const HIGH_RISK: u32 = 70;
const MODERATE_RISK: u32 = 30;

fn found(phrases: &[&'static str], text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    phrases
        .iter()
        .copied()
        .filter(|phrase| text.contains(phrase))
        .collect()
}

/// The phrases in a text that ask to destroy something.
pub(super) fn destructive(text: &str) -> Vec<&'static str> {
    found(&DESTRUCTIVE, text)
}

/// The phrases in a text that no service acts on unasked.
pub(super) fn prohibited(text: &str) -> Vec<&'static str> {
    let mut phrases = destructive(text);
    phrases.extend(found(&SPENDING, text));
    phrases
}

/// Why prohibited phrases stop what is asked for.
pub(super) fn refusal(prohibited: &[&str]) -> String {
    let phrases = prohibited.join(", ");
    format!("Prohibited actions detected: {phrases}. These actions require manual execution.")
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Recommendation {
    Allow,
    AllowWithCaution,
    RequireUserApproval,
    Block,
}

/// The safety half of an evaluation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Guard {
    pub(super) safe: bool,
    pub(super) risk_score: u32,
    pub(super) guardrails_triggered: Vec<&'static str>,
    pub(super) prohibited_actions: Vec<&'static str>,
    pub(super) recommendation: Recommendation,
    pub(super) reasoning: String,
}

pub(super) fn assess(goal: &str) -> Guard {
    let lower = goal.to_lowercase();
    let risk: u32 = RISKS
        .iter()
        .filter(|(word, _)| lower.contains(word))
        .map(|(_, n)| n)
        .sum();
    let risk = risk.min(100);
    let prohibited = prohibited(goal);
    let guardrails = if found(&PLATFORMS, goal).is_empty() {
        Vec::new()
    } else {
        vec!["External API usage requires approval"]
    };
    let (recommendation, reasoning) = if !prohibited.is_empty() {
        (Recommendation::Block, refusal(&prohibited))
    } else if risk >= HIGH_RISK {
        let why = "Requires explicit user approval before proceeding.";
        (
            Recommendation::RequireUserApproval,
            format!("High risk score ({risk}/100). {why}"),
        )
    } else if risk >= MODERATE_RISK || !guardrails.is_empty() {
        let mut why = format!("Moderate risk ({risk}/100). Proceed with monitoring and logging.");
        if !guardrails.is_empty() {
            why = format!("{why} Guardrails: {}.", guardrails.join(", "));
        }
        (Recommendation::AllowWithCaution, why)
    } else {
        let why = "Safe for autonomous execution within semi-autonomous constraints.";
        (
            Recommendation::Allow,
            format!("Low risk ({risk}/100). {why}"),
        )
    };
    Guard {
        safe: matches!(
            recommendation,
            Recommendation::Allow | Recommendation::AllowWithCaution
        ),
        risk_score: risk,
        guardrails_triggered: guardrails,
        prohibited_actions: prohibited,
        recommendation,
        reasoning,
    }
}
