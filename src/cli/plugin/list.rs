//! `codex-mesh plugin list`: the step kinds of a running host, or the versions of one.

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::super::client::{Client, HostArgs, encoded};
use crate::output::print;
use crate::text::{json_line, plain};

/// Lists the step kinds of a running host, or the versions of one.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The step kind
    kind: Option<String>,
    /// The host's answer as JSON
    #[arg(long)]
    json: bool,
}

/// The versions of a kind, as the host answers.
#[derive(Deserialize)]
pub(super) struct Versions {
    pub(super) versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    version: String,
    contract: Option<String>,
    pub(super) sha256: String,
    origin: String,
    pub(super) active: bool,
    pub(super) quarantined: bool,
    open_plans: i64,
    calls: u64,
    errors: u64,
    average_micros: u64,
}

#[derive(Deserialize)]
struct Kinds {
    plugins: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
    version: String,
    contract: String,
    service: String,
    origin: String,
    quarantined: bool,
}

pub(super) async fn run(args: &ListArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.host)?;
    let path = match &args.kind {
        Some(kind) => format!("/plugins/{}", encoded(kind)),
        None => "/plugins".to_owned(),
    };
    let answer: Value = client.get(&path).await?;
    if args.json {
        print(&format!("{}\n", json_line(&answer.to_string())))?;
    } else if args.kind.is_some() {
        show(&serde_json::from_value(answer)?)?;
    } else {
        let Kinds { plugins } = serde_json::from_value(answer)?;
        for plugin in plugins {
            let Kind {
                kind,
                version,
                contract,
                service,
                origin,
                quarantined,
            } = plugin;
            let [kind, version, contract, service, origin] =
                [kind, version, contract, service, origin].map(|cell| plain(&cell));
            let state = state(quarantined);
            print(&format!(
                "{kind:<16} {version:<12} {contract:<8} {service:<12} {origin}{state}\n"
            ))?;
        }
    }
    Ok(())
}

fn state(quarantined: bool) -> &'static str {
    if quarantined { ", quarantined" } else { "" }
}

/// One line a version; the one that new plans get has a star.
///
/// # Errors
/// When stdout can't be written.
pub(super) fn show(versions: &Versions) -> std::io::Result<()> {
    for version in &versions.versions {
        let star = if version.active { '*' } else { ' ' };
        let state = state(version.quarantined);
        let contract = version.contract.as_deref().unwrap_or("-");
        let [name, sha256, contract, origin] =
            [&version.version, &version.sha256, contract, &version.origin].map(plain);
        print(&format!(
            "{star} {name:<12} {sha256} {contract:<8} {} open plans, {} calls of {} µs, {} errors, {origin}{state}\n",
            version.open_plans, version.calls, version.average_micros, version.errors
        ))?;
    }
    Ok(())
}
