//! How autonomy decides. Confidence is the mean of four factors, less half the risk; the guard's
//! word goes first, and confidence only decides among what the guard leaves open.

use serde::Serialize;

use super::guard::{Guard, Recommendation};

/// Below it a person has to help.
const ENOUGH: f64 = 50.0;
/// From here on nothing speaks against it.
const GOOD: f64 = 75.0;

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
            Recommendation::AllowWithCaution | Recommendation::Allow => {
                let risk = f64::from(guard.risk_score);
                Self::by_confidence(guard, factors.mean().map(|mean| mean - risk / 2.0))
            }
        }
    }

    fn by_confidence(guard: &Guard, confidence: Option<f64>) -> Self {
        let said = percent(confidence);
        let careful = guard.recommendation == Recommendation::AllowWithCaution;
        let (action, reasoning, next): (_, _, &[_]) = match confidence {
            Some(ENOUGH..) if careful => (
                Action::AllowWithCaution,
                format!(
                    "Proceeding with caution. {}. Confidence: {said}",
                    guard.reasoning
                ),
                &[
                    "Decompose into monitored steps",
                    "Log all actions",
                    "Prepare rollback plan",
                ],
            ),
            Some(GOOD..) => (
                Action::Allow,
                format!(
                    "Goal is feasible and safe for autonomous execution (confidence: {said}). \
                     Risk: {}/100.",
                    guard.risk_score
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

/// What makes a goal easier or harder than most.
pub(super) fn feasibility(goal: &str) -> f64 {
    const WORDS: [(&str, f64); 4] = [
        ("analyze", 10.0),
        ("complex", -25.0),
        ("multiple", -15.0),
        ("post", 15.0),
    ];
    let goal = goal.to_lowercase();
    let found = WORDS.iter().filter(|(word, _)| goal.contains(word));
    70.0 + found.map(|(_, weight)| weight).sum::<f64>()
}

/// As JavaScript would write it.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "NaN%".to_owned(), |value| format!("{}%", value.round()))
}
