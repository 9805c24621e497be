//! `codex-mesh brain`: the events that Brain rejected, of a running host.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::services::install_tls;

/// Events that Brain rejected and that wait for a person.
#[derive(Debug, Args)]
pub(super) struct BrainArgs {
    /// The running host
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:5565"
    )]
    url: String,
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
    match &args.command {
        BrainCommand::Parked => {
            let answer = ask(&args.url, "/mesh/brain/parked", None).await?;
            let events = answer
                .get("events")
                .and_then(Value::as_array)
                .context("no events")?;
            for event in events {
                println!("{event}");
            }
            println!("{} parked events", events.len());
        }
        BrainCommand::Resend { ids } => {
            let body = if ids.is_empty() {
                json!({})
            } else {
                json!({"ids": ids})
            };
            let answer = ask(&args.url, "/mesh/brain/resend", Some(body)).await?;
            println!(
                "{} events are on their way again",
                answer.get("resent").unwrap_or(&json!(0))
            );
        }
    }
    Ok(())
}

/// One request to the host; its `error` is ours.
async fn ask(url: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
    let url = format!("{}{path}", url.trim_end_matches('/'));
    install_tls();
    let client = reqwest::Client::new();
    let request = match body {
        Some(body) => client
            .post(&url)
            .header("content-type", "application/json")
            .body(body.to_string()),
        None => client.get(&url),
    };
    let response = request
        .send()
        .await
        .with_context(|| format!("no host answers at {url}"))?;
    let text = response
        .text()
        .await
        .with_context(|| format!("{url} broke off"))?;
    let answer: Value =
        serde_json::from_str(&text).with_context(|| format!("{url} is no codex-mesh"))?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => bail!("{error}"),
        None => Ok(answer),
    }
}
