//! `codex-mesh plan ID`: one plan of a running host, with its steps and what it waits for.

use clap::Args;

use super::approve;
use super::client::{Client, HostArgs};
use super::progress::seconds;
use crate::output::print;
use crate::plan::{Approval, Plan, Step};
use crate::text::{json_line, plain};

/// With its steps, their reasons, the approvals, and what it waits for.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The plan's id, as `codex-mesh plans` lists it
    #[arg(value_name = "ID")]
    id: String,
    /// The plan as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &PlanArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.host)?;
    let answer = client.plan(&args.id).await?;
    if args.json {
        return Ok(print(&format!("{}\n", json_line(answer.json())))?);
    }
    let lines = lines(&client, &answer.plan()?).join("\n");
    Ok(print(&format!("{lines}\n"))?)
}

fn lines(client: &Client, plan: &Plan) -> Vec<String> {
    let driven = plan
        .run
        .as_ref()
        .map(|run| format!(", run since {}", run.since));
    let mut lines = vec![
        format!("plan     {}", plain(&plan.id)),
        format!("goal     {}", plain(&plan.goal)),
        format!("status   {}{}", plan.status, driven.unwrap_or_default()),
        format!("mode     {}", plan.mode),
        format!("domain   {}", plan.domain),
        format!("session  {}", plain(&plan.session_id)),
        format!("created  {}", plan.created_at),
        format!("changed  {}", plan.updated_at),
    ];
    if let Some(cancelled) = &plan.cancelled {
        let (by, reason) = (plain(&cancelled.by), plain(&cancelled.reason));
        lines.push(format!("cancelled by {by} at {}: {reason}", cancelled.at));
    }
    for step in &plan.steps {
        lines.extend(step_lines(step));
    }
    for waiting in &plan.waiting {
        let until = waiting.until.map(|until| format!(" until {until}"));
        let until = until.unwrap_or_default();
        lines.push(format!("waits{until}: {}", plain(&waiting.reason)));
    }
    if let Some(step) = approve::missing(plan) {
        lines.extend(approve::shown(plan, step));
        lines.extend(approve::instructions(client, plan, step));
    }
    lines
}

fn step_lines(step: &Step) -> Vec<String> {
    let took = step.started_at.zip(step.finished_at).map(|(began, ended)| {
        let took = ended.as_millis().saturating_sub(began.as_millis());
        format!("  {}", seconds(u64::try_from(took).unwrap_or(0)))
    });
    let attempt = (step.attempt > 1).then(|| format!("  attempt {}", step.attempt));
    let mut lines = vec![format!(
        "  {}  {:11}  {}  {} {} to {}{}{}",
        plain(&step.id),
        step.status.as_str(),
        plain(&step.label),
        step.method,
        plain(&step.endpoint),
        plain(&step.service),
        took.unwrap_or_default(),
        attempt.unwrap_or_default(),
    )];
    let mut detail = |detail: String| lines.push(format!("      {detail}"));
    if let Some(error) = &step.error {
        detail(format!("error: {}", plain(error)));
    }
    if let Some(skipped) = &step.skipped {
        let (by, reason) = (plain(&skipped.by), plain(&skipped.reason));
        detail(format!("skipped by {by}: {reason}"));
    }
    if let Some(approval) = &step.approval {
        detail(approval_line(approval));
    }
    if let Some(retry) = &step.retry {
        let reason = plain(&retry.reason);
        detail(format!("tried again after {}: {reason}", retry.not_before));
    }
    lines
}

fn approval_line(approval: &Approval) -> String {
    let reason = plain(&approval.reason);
    match &approval.grant {
        None => format!("approval asked for: {reason}"),
        Some(grant) => {
            let note = grant
                .note
                .as_deref()
                .map(|note| format!(" ({})", plain(note)));
            format!(
                "approved by {} at {}{}: {reason}",
                plain(&grant.approved_by),
                grant.approved_at,
                note.unwrap_or_default()
            )
        }
    }
}
