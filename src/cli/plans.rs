//! `codex-mesh plans`: the plans of a running host, newest or oldest first.

use anyhow::Context;
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::{Client, HostArgs};
use crate::output::{complain, print};
use crate::plan::{Domain, Order, Plan, PlanStatus, StepStatus};
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
struct PlansAnswer {
    plans: Vec<Box<RawValue>>,
    #[serde(default)]
    unreadable: Vec<Unreadable>,
}

pub(super) async fn run(args: &PlansArgs) -> anyhow::Result<()> {
    let mut path = format!("/mesh/plans?limit={}&order={}", args.limit, args.order);
    if let Some(status) = args.status {
        path.push_str(&format!("&status={status}"));
    }
    if let Some(domain) = args.domain {
        path.push_str(&format!("&domain={domain}"));
    }
    let answer: PlansAnswer = Client::new(&args.host)?.get(&path).await?;
    for Unreadable { error, .. } in &answer.unreadable {
        complain(&format!("{}\n", plain(error)));
    }
    if args.json {
        for plan in answer.plans {
            print(&format!("{}\n", json_line(plan.get())))?;
        }
        return Ok(());
    }
    print(&format!(
        "{:36}  {:9}  {:10}  {:12}  {:>5}  {:20}  GOAL\n",
        "ID", "STATUS", "MODE", "DOMAIN", "DONE", "CREATED"
    ))?;
    for plan in answer.plans {
        let plan: Plan = serde_json::from_str(plan.get())
            .context("the host answers with a plan of another version")?;
        print(&line(&plan))?;
    }
    Ok(())
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
