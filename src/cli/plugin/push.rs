//! `codex-mesh plugin push`: sends a component to a running host.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::{Client, HostArgs, encoded};
use super::super::text;

/// Sends a component to a running host. New plans get it once it is activated.
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

#[derive(Deserialize)]
struct Plugin {
    kind: String,
    version: String,
    sha256: String,
}

pub(super) async fn run(args: &PushArgs) -> anyhow::Result<()> {
    let component =
        std::fs::read(&args.file).with_context(|| format!("can't read {}", args.file.display()))?;
    let client = Client::new(&args.host)?;
    let Pushed { plugin } = client.post_bytes("/plugins", component).await?;
    let Plugin {
        kind,
        version,
        sha256,
    } = plugin;
    let [shown, version, digest] = [&kind, &version, &sha256].map(|said| text::plain(said));
    println!("{shown} {version} {digest}");
    if args.activate {
        let path = format!("/plugins/{}/activate", encoded(&kind));
        let _: Value = client.post(&path, &json!({"sha256": sha256})).await?;
        println!("activated: new plans get it");
    } else {
        println!(
            "kept: new plans get it after codex-mesh plugin activate {shown} --sha256 {digest}"
        );
    }
    Ok(())
}
