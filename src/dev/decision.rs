//! How autonomy decides. Confidence is the mean of four factors, less half the risk; the guard's
//! word goes first, and confidence only decides among what the guard leaves open.

use serde::Serialize;

use super::guard::{Guard, Recommendation, has_any};

/// Below it a person has to help.
const ENOUGH: f64 = 50.0;
/// From here on nothing speaks against it.
const GOOD: f64 = 70.0;
/// No goal that the guard lets pass is trusted less.
const LEAST: f64 = 30.0;

/// What speaks for a goal, in percent.
pub(super) struct Factors {
    pub(super) context: f64,
    /// None where the urgency is a word the service doesn't know: it then can't say how
    /// confident it is.
    pub(super) urgency: Option<f64>,
    pub(super) domain: f64,
    pub(super) feasibility: f64,
}

impl Factors {
    fn mean(&self) -> Option<f64> {
        let urgency = self.urgency?;
        Some((self.context + urgency + self.domain + self.feasibility) / 4.0)
    }
}

/// The guard's recommendations, in the words of a decision.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Allow,
    AllowWithCaution,
    RequireUserApproval,
    Disallow,
}

pub(super) struct Decision {
    pub(super) action: Action,
    pub(super) confidence: Option<f64>,
    pub(super) reasoning: String,
    pub(super) next: &'static [&'static str],
}

impl Decision {
    pub(super) fn of(guard: &Guard, factors: &Factors) -> Self {
        let why = &guard.reasoning;
        match guard.recommendation {
            Recommendation::Block => Self {
                action: Action::Disallow,
                confidence: Some(100.0),
                reasoning: format!("BLOCKED: {why}"),
                next: &["Manual execution required", "Review safety constraints"],
            },
            Recommendation::RequireUserApproval => Self {
                action: Action::RequireUserApproval,
                confidence: Some(95.0),
                reasoning: format!("User approval required: {why}"),
                next: &["Present plan to user", "Wait for explicit approval"],
            },
            Recommendation::AllowWithCaution => {
                let confidence = confidence(guard, factors);
                Self {
                    action: Action::AllowWithCaution,
                    confidence,
                    reasoning: format!(
                        "Proceeding with caution. {why}. Confidence: {}",
                        percent(confidence)
                    ),
                    next: &[
                        "Decompose into monitored steps",
                        "Log all actions",
                        "Prepare rollback plan",
                    ],
                }
            }
            Recommendation::Allow => {
                Self::by_confidence(guard.risk_score, confidence(guard, factors))
            }
        }
    }

    fn by_confidence(risk: u32, confidence: Option<f64>) -> Self {
        let said = percent(confidence);
        let (action, reasoning, next): (_, _, &[_]) = match confidence {
            Some(GOOD..) => (
                Action::Allow,
                format!(
                    "Goal is feasible and safe for autonomous execution (confidence: {said}). \
                     Risk: {risk}/100."
                ),
                &[
                    "Decompose into steps",
                    "Execute with monitoring",
                    "Report results",
                ],
            ),
            Some(ENOUGH..) => (
                Action::AllowWithCaution,
                format!("Moderate confidence ({said}). Proceed with enhanced monitoring."),
                &[
                    "Request additional context if needed",
                    "Execute with step-by-step validation",
                    "Be prepared to pause for user input",
                ],
            ),
            _ => (
                Action::RequireUserApproval,
                format!("Low confidence ({said}). Need user guidance before proceeding."),
                &[
                    "Request clarification from user",
                    "Gather more context",
                    "Propose alternative approaches",
                ],
            ),
        };
        Self {
            action,
            confidence,
            reasoning,
            next,
        }
    }
}

fn confidence(guard: &Guard, factors: &Factors) -> Option<f64> {
    let penalty = f64::from(guard.risk_score) / 2.0;
    factors
        .mean()
        .map(|mean| (mean - penalty).clamp(LEAST, 100.0))
}

/// What makes a goal easier or harder than most: each group counts once.
pub(super) fn feasibility(goal: &str) -> f64 {
    const GROUPS: [([&str; 2], f64); 4] = [
        (["post", "create"], 15.0),
        (["analyze", "report"], 10.0),
        (["multiple", "complex"], -15.0),
        (["integration", "coordinate"], -10.0),
    ];
    let goal = goal.to_lowercase();
    let found = GROUPS.iter().filter(|(words, _)| has_any(&goal, words));
    70.0 + found.map(|(_, points)| points).sum::<f64>()
}

/// `None` for a word that the service doesn't know.
pub(super) fn urgency(word: &str) -> Option<f64> {
    match word {
        "low" => Some(25.0),
        "medium" => Some(50.0),
        "high" => Some(75.0),
        "critical" => Some(100.0),
        _ => None,
    }
}

/// How important a domain is; an unknown one is less so than none.
pub(super) fn importance(domain: &str) -> f64 {
    match domain {
        "social" => 85.0,
        "ecommerce" => 80.0,
        "video" => 75.0,
        "strategy" => 90.0,
        "analytics" => 70.0,
        "operations" => 65.0,
        _ => 60.0,
    }
}

/// How long it may take, by the words of the goal.
pub(super) fn duration(goal: &str) -> String {
    let goal = goal.to_lowercase();
    let fixed = if has_any(&goal, &["analyze", "report"]) {
        "2-5 minutes"
    } else if let (true, Some(pieces)) = (goal.contains("post"), first_number(&goal)) {
        let minutes = (pieces / 2.0).ceil();
        return format!("{} seconds - {minutes} minutes", pieces * 30.0);
    } else if has_any(&goal, &["create", "generate"]) {
        "1-3 minutes"
    } else if has_any(&goal, &["multiple", "several"]) {
        "5-10 minutes"
    } else {
        "1-2 minutes"
    };
    fixed.to_owned()
}

/// The first number in a text.
pub(super) fn first_number(text: &str) -> Option<f64> {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|digits| !digits.is_empty())?.parse().ok()
}

/// As JavaScript would write it.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "NaN%".to_owned(), |value| format!("{}%", value.round()))
}
