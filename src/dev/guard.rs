//! What a goal may not ask for, and how risky it is: words are looked for anywhere in it, as the
//! real service does, so a harmless "purchase funnel" is refused as well.

use serde::Serialize;

/// Phrases that no service acts on unasked.
const PROHIBITED: [&str; 15] = [
    "delete account",
    "delete database",
    "drop table",
    "remove all",
    "format drive",
    "rm -rf",
    "shutdown system",
    "transfer funds",
    "purchase",
    "make payment",
    "deploy to production",
    "modify security settings",
    "change password",
    "revoke access",
    "delete credentials",
];

/// One side of the risk: every group adds its points once where one of its words occurs, up to
/// the most that this side counts for.
struct Side {
    most: u32,
    groups: &'static [(&'static [&'static str], u32)],
}

const RISK: [Side; 5] = [
    // What is destroyed.
    Side {
        most: 25,
        groups: &[
            (&["delete", "remove"], 15),
            (&["modify", "update"], 5),
            (&["all", "multiple"], 5),
        ],
    },
    // Who is reached outside.
    Side {
        most: 20,
        groups: &[
            (&["tiktok"], 5),
            (&["instagram"], 5),
            (&["youtube"], 5),
            (&["twitter"], 5),
            (&["facebook"], 5),
            (&["shopify"], 5),
            (&["stripe"], 5),
        ],
    },
    // What is written.
    Side {
        most: 20,
        groups: &[
            (&["create", "post"], 8),
            (&["edit", "change"], 10),
            (&["database", "storage"], 12),
        ],
    },
    // How much has to go together.
    Side {
        most: 15,
        groups: &[(&["multiple", "several"], 10)],
    },
    // Whose data it is.
    Side {
        most: 20,
        groups: &[
            (&["credential", "password"], 20),
            (&["personal", "private"], 15),
            (&["account", "profile"], 8),
        ],
    },
];

/// Platforms that the guardrail is about. Facebook counts as a risk only.
const GUARDED: [&str; 6] = [
    "tiktok",
    "instagram",
    "youtube",
    "twitter",
    "shopify",
    "stripe",
];

/// From here on a person has to agree, whatever the confidence.
const HIGH_RISK: u32 = 60;
const MODERATE_RISK: u32 = 30;

/// Whether one of the words occurs in a lower-case text.
pub(super) fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

fn risk(goal: &str) -> u32 {
    let side = |side: &Side| {
        let found = side.groups.iter().filter(|(words, _)| has_any(goal, words));
        found.map(|(_, points)| points).sum::<u32>().min(side.most)
    };
    RISK.iter().map(side).sum::<u32>().min(100)
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
    let goal = goal.to_lowercase();
    let risk = risk(&goal);
    let mut prohibited = PROHIBITED.to_vec();
    prohibited.retain(|phrase| goal.contains(phrase));
    let guardrails = if has_any(&goal, &GUARDED) {
        vec!["External API usage requires approval"]
    } else {
        Vec::new()
    };
    let recommendation = if !prohibited.is_empty() {
        Recommendation::Block
    } else if risk >= HIGH_RISK {
        Recommendation::RequireUserApproval
    } else if risk >= MODERATE_RISK || !guardrails.is_empty() {
        Recommendation::AllowWithCaution
    } else {
        Recommendation::Allow
    };
    Guard {
        safe: matches!(
            recommendation,
            Recommendation::Allow | Recommendation::AllowWithCaution
        ),
        risk_score: risk,
        reasoning: reasoning(recommendation, risk, &prohibited, &guardrails),
        guardrails_triggered: guardrails,
        prohibited_actions: prohibited,
        recommendation,
    }
}

fn reasoning(
    recommendation: Recommendation,
    risk: u32,
    prohibited: &[&str],
    guardrails: &[&str],
) -> String {
    match recommendation {
        Recommendation::Block => format!(
            "Prohibited actions detected: {}. These actions require manual execution.",
            prohibited.join(", ")
        ),
        Recommendation::RequireUserApproval => format!(
            "High risk score ({risk}/100). Requires explicit user approval before proceeding."
        ),
        Recommendation::AllowWithCaution => {
            let guardrails = match guardrails {
                [] => "none".to_owned(),
                found => found.join(", "),
            };
            format!(
                "Moderate risk ({risk}/100). Proceed with monitoring and logging. Guardrails: \
                 {guardrails}."
            )
        }
        Recommendation::Allow => format!(
            "Low risk ({risk}/100). Safe for autonomous execution within semi-autonomous \
             constraints."
        ),
    }
}
