//! `codex-mesh plugin test`: runs recorded cases on a component, offline, and shows what it did
//! otherwise than they expect.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::local::{HostArgs, say};
use crate::cases::{self, Call, Mismatch, Report, Runner};
use crate::cli::text::plain;
use crate::plan::Effect;
use crate::registry::Manifest;
use crate::services::Catalogue;

/// No service is asked. The exit code is 1 when a case fails.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The component (*.wasm)
    #[arg(value_name = "FILE")]
    component: PathBuf,
    /// The folder with the cases (*.json)
    #[arg(long, value_name = "DIR")]
    cases: PathBuf,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: HostArgs,
}

/// A case and what came of it.
#[derive(Serialize)]
struct Ran<'a> {
    name: &'a str,
    ok: bool,
    #[serde(flatten)]
    report: Report,
}

pub(super) async fn run(args: &TestArgs) -> anyhow::Result<()> {
    let cases = cases::read(&args.cases)?;
    let host = args.host.local()?;
    let shown = args.component.display();
    let loaded = host.loader().load_file(args.component.clone()).await;
    let (version, _) = loaded.with_context(|| {
        format!("{shown} is no step plugin that the host would load; `plugin check` says more")
    })?;
    let runner = Runner {
        plugin: &version.plugin,
        manifest: &version.manifest,
        effect: usual_effect(&version.manifest, &host.catalogue),
        rounds: host.config.limits.rounds,
    };
    let mut all = Vec::new();
    for (name, case) in &cases {
        let report = runner.run(case).await;
        let ran = Ran {
            name,
            ok: report.passed(),
            report,
        };
        if !args.json {
            say(&text(&ran))?;
        }
        all.push(ran);
    }
    if args.json {
        say(&format!("{}\n", serde_json::to_string_pretty(&all)?))?;
    }
    let failed = all.iter().filter(|ran| !ran.ok).count();
    if failed > 0 {
        bail!("{failed} of {} cases failed", all.len());
    }
    Ok(())
}

/// What the plugin's usual request does to its service.
fn usual_effect(manifest: &Manifest, catalogue: &Catalogue) -> Effect {
    let service = catalogue.get(&manifest.service);
    service.map_or(Effect::Write, |service| {
        service.routes.effect(manifest.method, &manifest.endpoint)
    })
}

fn text(ran: &Ran<'_>) -> String {
    let calls: Vec<String> = ran.report.calls.iter().map(told).collect();
    let verdict = if ran.ok { "ok    " } else { "FAILED" };
    let mut text = format!("{verdict}  {}  ({})\n", plain(ran.name), calls.join("; "));
    for call in &ran.report.calls {
        for line in &call.log {
            // A line of several stays one: it must not look like one of ours.
            let level = format!("{:?}", line.level).to_lowercase();
            let said = plain(&line.message);
            text += &format!("        {} {level}: {said}\n", call.function);
        }
    }
    for mismatch in &ran.report.mismatches {
        text += &explained(mismatch);
    }
    text
}

fn told(call: &Call) -> String {
    let kib = call.memory_bytes.div_ceil(1 << 10);
    format!("{} {} µs {kib} KiB", call.function, call.micros)
}

fn explained(mismatch: &Mismatch) -> String {
    let lines = mismatch.diff.iter();
    let lines = lines.map(|line| format!("          {}\n", plain(line)));
    let lines: String = lines.collect();
    format!("        {}: - expected, + came\n{lines}", mismatch.what)
}
