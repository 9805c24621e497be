//! `codex-mesh plans`: the plans of a running host, newest or oldest first.

use anyhow::Context;
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::{Client, HostArgs, encoded};
use crate::output::{complain, print};
use crate::plan::{Domain, Order, Plan, PlanStatus, StepStatus, View};
use crate::store::Unreadable;
use crate::text::{json_line, plain, shorten};

/// The longest goal that is shown, in characters.
const GOAL: usize = 60;

/// Which plans, and how they are shown.
#[derive(Debug, Args)]
pub(super) struct PlansArgs {
    #[command(flatten)]
    host: HostArgs,
    /// How many at the most, up to 1000
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// Which come first: newest or oldest
    #[arg(long, default_value_t)]
    order: Order,
    /// Only those that stand so: PENDING, RUNNING, WAITING, DONE, ERROR or CANCELLED
    #[arg(long)]
    status: Option<PlanStatus>,
    /// Only those about this
    #[arg(long)]
    domain: Option<Domain>,
    /// One JSON object a line: a plan each
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlansAnswer {
    plans: Vec<Box<RawValue>>,
    #[serde(default)]
    unreadable: Vec<Unreadable>,
    next_cursor: Option<String>,
}

pub(super) async fn run(args: &PlansArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.host)?;
    if !args.json {
        print(&format!(
            "{:36}  {:9}  {:10}  {:12}  {:>5}  {:20}  GOAL\n",
            "ID", "STATUS", "MODE", "DOMAIN", "DONE", "CREATED"
        ))?;
    }
    let (mut left, mut cursor) = (usize::from(args.limit), None);
    loop {
        let answer: PlansAnswer = client.get(&path(args, left, cursor.as_deref())).await?;
        for Unreadable { error, .. } in &answer.unreadable {
            complain(&format!("{}\n", plain(error)));
        }
        for plan in &answer.plans {
            print(&shown(args, plan)?)?;
        }
        let seen = answer.plans.len().saturating_add(answer.unreadable.len());
        left = left.saturating_sub(seen);
        // A page of large plans has fewer of them.
        cursor = answer.next_cursor;
        if left == 0 || cursor.is_none() {
            return Ok(());
        }
    }
}

/// What a page of so many is asked for with.
fn path(args: &PlansArgs, limit: usize, cursor: Option<&str>) -> String {
    let mut path = format!("/mesh/plans?limit={limit}&order={}", args.order);
    // A line has nothing of what a summary leaves out.
    let view = if args.json { View::Full } else { View::Summary };
    let more = [
        ("view", Some(view.to_string())),
        ("status", args.status.map(|status| status.to_string())),
        ("domain", args.domain.map(|domain| domain.to_string())),
        ("cursor", cursor.map(encoded)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={value}"));
        }
    }
    path
}

/// A plan as one line.
fn shown(args: &PlansArgs, plan: &RawValue) -> anyhow::Result<String> {
    if args.json {
        return Ok(format!("{}\n", json_line(plan.get())));
    }
    let plan = serde_json::from_str(plan.get());
    Ok(line(&plan.context(
        "the host answers with a plan of another version",
    )?))
}

fn line(plan: &Plan) -> String {
    let done = plan.steps.iter();
    let done = done.filter(|step| step.status == StepStatus::Done).count();
    // Without its milliseconds.
    let created = plan.created_at.to_string();
    let created = created.split('.').next().unwrap_or_default();
    format!(
        "{:36}  {:9}  {:10}  {:12}  {:>5}  {:20}  {}\n",
        plain(&plan.id),
        plan.status.as_str(),
        plan.mode.as_str(),
        plan.domain.as_str(),
        format!("{done}/{}", plan.steps.len()),
        format!("{created}Z"),
        plain(&shorten(&plan.goal, GOAL)),
    )
}
