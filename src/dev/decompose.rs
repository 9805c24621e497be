//! A goal into steps: the first rule whose words all occur in the goal, or the general one.
//! Autonomy answers with the steps; workflow counts them, and which need a person.

use std::collections::BTreeMap;

use serde::Serialize;

use super::decision::first_number;
use super::new_id;
use super::templates;

/// How many pieces a goal is for that doesn't say.
const PIECES: f64 = 3.0;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: String,
    description: String,
    action: &'static str,
    target_service: &'static str,
    dependencies: Vec<String>,
    estimated_duration: String,
    risk_level: &'static str,
    requires_approval: bool,
}

/// For every step of a goal whether a person has to agree to it.
pub(super) fn approvals(goal: &str) -> impl Iterator<Item = bool> {
    templates::matching(goal)
        .iter()
        .map(|template| template.acts)
}

/// The steps, each depending on the one before it, and the seconds each takes.
fn steps(goal: &str) -> Vec<(Step, f64)> {
    let pieces = first_number(goal).filter(|n| *n != 0.0).unwrap_or(PIECES);
    let mut steps: Vec<(Step, f64)> = Vec::new();
    for template in templates::matching(goal) {
        let (seconds, estimated_duration) = if template.each {
            let seconds = template.seconds * pieces;
            (seconds, format!("{seconds}s"))
        } else {
            (template.seconds, duration(template.seconds))
        };
        let before = steps.last().map(|(step, _)| step.id.clone());
        let step = Step {
            id: new_id(),
            description: template.description.replace("{n}", &pieces.to_string()),
            action: template.action,
            target_service: template.service.unwrap_or_else(|| templates::service(goal)),
            dependencies: before.into_iter().collect(),
            estimated_duration,
            risk_level: if template.acts { "medium" } else { "low" },
            requires_approval: template.acts,
        };
        steps.push((step, seconds));
    }
    steps
}

fn duration(seconds: f64) -> String {
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    if minutes == 0.0 {
        format!("{rest}s")
    } else if rest == 0.0 {
        format!("{minutes}m")
    } else {
        format!("{minutes}m {rest}s")
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
    let steps = steps(goal);
    // The first step stands alone. The real service takes all others for ones that can run side
    // by side, although each needs the one before it.
    let (first, others) = steps.split_at(1.min(steps.len()));
    let groups = [first, others];
    let longest = |group: &[(Step, f64)]| group.iter().map(|(_, s)| *s).fold(0.0, f64::max);
    let seconds: f64 = groups.iter().map(|group| longest(group)).sum();
    let ids = |group: &[(Step, f64)]| -> Vec<String> {
        group.iter().map(|(step, _)| step.id.clone()).collect()
    };
    let approvals = steps
        .iter()
        .filter(|(step, _)| step.requires_approval)
        .count();
    let total = steps.len();
    Decomposition {
        goal: goal.to_owned(),
        total_steps: total,
        estimated_duration: duration(seconds),
        dependency_graph: steps
            .iter()
            .map(|(step, _)| (step.id.clone(), step.dependencies.clone()))
            .collect(),
        parallelizable_steps: groups.iter().map(|group| ids(group)).collect(),
        critical_path: ids(&steps),
        risk_assessment: format!(
            "LOW: {total} steps planned. {approvals} step(s) require approval for safety."
        ),
        steps: steps.into_iter().map(|(step, _)| step).collect(),
    }
}
