//! `codex-mesh brain`: the events that Brain rejected, of a running host.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, HostArgs};
use crate::output::print;
use crate::text::json_line;

/// Events that Brain rejected and that wait for a person.
#[derive(Debug, Args)]
pub(super) struct BrainArgs {
    #[command(flatten)]
    host: HostArgs,
    #[command(subcommand)]
    command: BrainCommand,
}

#[derive(Debug, Subcommand)]
enum BrainCommand {
    /// Lists parked events.
    Parked,
    /// Sends parked events again: those with the ids, or all.
    Resend {
        /// Ids as `codex-mesh brain parked` lists them
        #[arg(value_name = "ID")]
        ids: Vec<i64>,
    },
}

pub(super) async fn run(args: &BrainArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.host)?;
    match &args.command {
        BrainCommand::Parked => {
            let answer: Value = client.get("/mesh/brain/parked").await?;
            let events = answer
                .get("events")
                .and_then(Value::as_array)
                .context("no events")?;
            for event in events {
                print(&format!("{}\n", json_line(&event.to_string())))?;
            }
            print(&format!("{} parked events\n", events.len()))?;
        }
        BrainCommand::Resend { ids } => {
            let body = if ids.is_empty() {
                json!({})
            } else {
                json!({"ids": ids})
            };
            let answer: Value = client.post("/mesh/brain/resend", &body).await?;
            let resent = answer.get("resent").unwrap_or(&json!(0)).to_string();
            print(&format!("{resent} events are on their way again\n"))?;
        }
    }
    Ok(())
}
