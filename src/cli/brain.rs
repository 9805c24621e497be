//! `codex-mesh brain`: the events that Brain rejected, of a running host.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, HostArgs};
use super::text;

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
                println!("{}", text::json_line(&event.to_string()));
            }
            println!("{} parked events", events.len());
        }
        BrainCommand::Resend { ids } => {
            let body = if ids.is_empty() {
                json!({})
            } else {
                json!({"ids": ids})
            };
            let answer: Value = client.post("/mesh/brain/resend", &body).await?;
            println!(
                "{} events are on their way again",
                answer.get("resent").unwrap_or(&json!(0))
            );
        }
    }
    Ok(())
}
