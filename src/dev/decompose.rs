//! A goal into steps: the first rule whose words all occur in the goal, or the general one.
//! Autonomy answers with the steps; workflow makes a workflow of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::guard;
use super::new_id;
use super::templates;

/// How many pieces a goal may ask for; more are not planned.
const MOST_PIECES: u32 = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) action: &'static str,
    pub(super) target_service: &'static str,
    dependencies: Vec<String>,
    estimated_duration: String,
    risk_level: &'static str,
    pub(super) requires_approval: bool,
}

/// The steps of a goal, each depending on the one before it.
pub(super) fn steps(goal: &str) -> Vec<Step> {
    plan(goal).0
}

/// The steps, and the seconds they take together.
fn plan(goal: &str) -> (Vec<Step>, u32) {
    let templates = templates::matching(goal);
    let pieces = pieces(goal);
    let mut steps: Vec<Step> = Vec::with_capacity(templates.len());
    let mut total = 0;
    for template in templates {
        let seconds = if template.each {
            template.seconds * pieces
        } else {
            template.seconds
        };
        total += seconds;
        steps.push(Step {
            id: new_id(),
            description: template.description.replace("{n}", &pieces.to_string()),
            action: template.action,
            target_service: template.service,
            dependencies: steps
                .last()
                .map(|step| step.id.clone())
                .into_iter()
                .collect(),
            estimated_duration: duration(seconds),
            risk_level: if template.acts { "medium" } else { "low" },
            requires_approval: template.acts,
        });
    }
    (steps, total)
}

/// The first number in the goal.
fn pieces(goal: &str) -> u32 {
    let number = goal
        .split(|c: char| !c.is_ascii_digit())
        .find(|digits| !digits.is_empty());
    number.map_or(1, |digits| {
        digits.parse().unwrap_or(MOST_PIECES).clamp(1, MOST_PIECES)
    })
}

fn duration(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m {seconds}s"),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decomposition {
    goal: String,
    total_steps: usize,
    estimated_duration: String,
    dependency_graph: BTreeMap<String, Vec<String>>,
    parallelizable_steps: Vec<Vec<String>>,
    critical_path: Vec<String>,
    risk_assessment: String,
    steps: Vec<Step>,
}

pub(super) fn decompose(goal: &str) -> Decomposition {
    let (steps, seconds) = plan(goal);
    let ids: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    let approvals = steps.iter().filter(|step| step.requires_approval).count();
    let total = steps.len();
    let risk = if guard::prohibited(goal).is_empty() {
        "LOW"
    } else {
        "HIGH"
    };
    Decomposition {
        goal: goal.to_owned(),
        total_steps: total,
        estimated_duration: duration(seconds),
        dependency_graph: steps
            .iter()
            .map(|step| (step.id.clone(), step.dependencies.clone()))
            .collect(),
        // Every step needs the one before it, so none can run beside another.
        parallelizable_steps: ids.iter().map(|id| vec![id.clone()]).collect(),
        critical_path: ids,
        risk_assessment: format!(
            "{risk}: {total} steps planned. {approvals} step(s) require approval for safety."
        ),
        steps,
    }
}
