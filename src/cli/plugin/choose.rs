//! `codex-mesh plugin activate`, `deactivate`, `rollback` and `remove`: which version of a step kind
//! new plans of a running host get.

use clap::Args;
use serde_json::{Value, json};

use super::super::client::{Client, HostArgs, encoded};
use super::list;
use crate::output::print;

/// Which version of which kind.
#[derive(Debug, Args)]
pub(super) struct ActivateArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The step kind
    kind: String,
    /// What the version calls itself
    #[arg(long, required_unless_present = "sha256", conflicts_with = "sha256")]
    version: Option<String>,
    /// The digest of the component
    #[arg(long)]
    sha256: Option<String>,
}

/// Which kind.
#[derive(Debug, Args)]
pub(super) struct KindArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The step kind
    kind: String,
}

/// Which component of which kind.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The step kind
    kind: String,
    /// The digest of the component
    sha256: String,
}

pub(super) async fn activate(args: &ActivateArgs) -> anyhow::Result<()> {
    let body = match (&args.version, &args.sha256) {
        (Some(version), _) => json!({"version": version}),
        (None, sha256) => json!({"sha256": sha256}),
    };
    change(&args.host, &args.kind, "activate", &body).await
}

pub(super) async fn deactivate(args: &KindArgs) -> anyhow::Result<()> {
    change(&args.host, &args.kind, "deactivate", &json!({})).await
}

pub(super) async fn rollback(args: &KindArgs) -> anyhow::Result<()> {
    change(&args.host, &args.kind, "rollback", &json!({})).await
}

pub(super) async fn remove(args: &RemoveArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.host)?;
    let path = format!("/plugins/{}/{}", encoded(&args.kind), encoded(&args.sha256));
    let _: Value = client.delete(&path).await?;
    Ok(print("removed\n")?)
}

/// Changes what new plans get, and shows the kind's versions after that.
async fn change(host: &HostArgs, kind: &str, what: &str, body: &Value) -> anyhow::Result<()> {
    let client = Client::new(host)?;
    let path = format!("/plugins/{}/{what}", encoded(kind));
    Ok(list::show(&client.post(&path, body).await?)?)
}
