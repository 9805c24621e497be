//! `codex-mesh plugin push`: sends a component to a running host, and the signature beside it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::super::client::{Client, HostArgs, encoded};
use crate::output::print;
use crate::registry::{Component, read_signature};
use crate::text::plain;

/// Sends a component to a running host, with its signature where there is one beside it
/// (FILE.minisig). New plans get it once it is activated.
#[derive(Debug, Args)]
pub(super) struct PushArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Activates it at once
    #[arg(long)]
    activate: bool,
}

#[derive(Deserialize)]
struct Pushed {
    plugin: Plugin,
}

/// What the host takes a component for.
#[derive(Deserialize)]
pub(super) struct Plugin {
    kind: String,
    version: String,
    sha256: String,
}

pub(super) async fn run(args: &PushArgs) -> anyhow::Result<()> {
    let component =
        std::fs::read(&args.file).with_context(|| format!("can't read {}", args.file.display()))?;
    let component = Component {
        bytes: component.into(),
        signature: read_signature(&args.file)?,
    };
    let client = Client::new(&args.host)?;
    let Plugin {
        kind,
        version,
        sha256,
    } = send(&client, &component).await?;
    let [shown, version, digest] = [&kind, &version, &sha256].map(|said| plain(said));
    print(&format!("{shown} {version} {digest}\n"))?;
    if args.activate {
        activate(&client, &kind, &sha256).await?;
        print("activated: new plans get it\n")?;
    } else {
        print(&format!(
            "kept: new plans get it after codex-mesh plugin activate {shown} --sha256 {digest}\n"
        ))?;
    }
    Ok(())
}

/// Sends a component, and its signature if it has one.
pub(super) async fn send(client: &Client, component: &Component) -> anyhow::Result<Plugin> {
    let Pushed { plugin } = client.post_component("/plugins", component).await?;
    Ok(plugin)
}

/// Gives new plans this component from now on.
pub(super) async fn activate(client: &Client, kind: &str, sha256: &str) -> anyhow::Result<()> {
    let path = format!("/plugins/{}/activate", encoded(kind));
    let body = json!({"sha256": sha256});
    client.post::<IgnoredAny>(&path, &body).await?;
    Ok(())
}
