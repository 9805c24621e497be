//! `codex-mesh plugin test`: runs recorded cases on a component, offline, and shows what it did
//! otherwise than they expect.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::local::{Local, LocalArgs, show};
use super::project::Project;
use super::record::{RecordArgs, record};
use crate::cases::{self, Call, Case, Mismatch, Report, Runner};
use crate::output::complain;
use crate::registry::PluginVersion;
use crate::text::plain;

/// No service is asked. The exit code is 1 when a case fails.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The component (*.wasm), or the folder of its project, which is built first
    #[arg(value_name = "FILE")]
    component: PathBuf,
    /// The folder with the cases (*.json) [default: cases in the project's folder]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    record: RecordArgs,
    #[command(flatten)]
    host: LocalArgs,
}

/// A case and what came of it.
#[derive(Serialize)]
pub(super) struct Ran<'a> {
    name: &'a str,
    pub(super) ok: bool,
    #[serde(flatten)]
    report: Report,
}

pub(super) async fn run(args: &TestArgs) -> anyhow::Result<()> {
    let host = args.host.local()?;
    let (component, folder) = found(args).await?;
    let shown = component.display().to_string();
    let loaded = host.loader().load_file(component).await;
    let (version, _) = loaded.with_context(|| {
        format!("{shown} is no step plugin that the host would load; `plugin check` says more")
    })?;
    if args.record.record {
        let recorded = record(&args.record, &version, &folder).await?;
        if args.json {
            complain(&recorded);
        } else {
            show(&recorded)?;
        }
    }
    let cases = cases::read(&folder)?;
    let tell = |ran: &Ran<'_>| if args.json { Ok(()) } else { show(&text(ran)) };
    let all = run_cases(&version, &cases, &host, tell).await?;
    if args.json {
        show(&format!("{}\n", serde_json::to_string_pretty(&all)?))?;
    }
    all_passed(&all)
}

/// The component, made if it is a project's, and the folder with its cases.
async fn found(args: &TestArgs) -> anyhow::Result<(PathBuf, PathBuf)> {
    if args.component.is_dir() {
        let project = Project::open(&args.component)?;
        let cases = args.cases.clone().unwrap_or_else(|| project.cases());
        return Ok((project.build().await?, cases));
    }
    let cases = args.cases.clone();
    let cases = cases.context("of a component --cases names the folder with its cases")?;
    Ok((args.component.clone(), cases))
}

/// Runs the cases, and tells of each as soon as it has run.
pub(super) async fn run_cases<'a>(
    version: &PluginVersion,
    cases: &'a [(String, Case)],
    host: &Local,
    tell: impl Fn(&Ran<'a>) -> std::io::Result<()>,
) -> anyhow::Result<Vec<Ran<'a>>> {
    let manifest = &version.manifest;
    let own = host.config.plugin.get(&manifest.kind);
    let own = own.and_then(|plugin| plugin.rounds);
    let runner = Runner {
        plugin: &version.plugin,
        manifest,
        effect: host
            .catalogue
            .effect(&manifest.service, manifest.method, &manifest.endpoint),
        rounds: own.unwrap_or(host.config.limits.rounds),
    };
    let mut all = Vec::new();
    for (name, case) in cases {
        let report = runner.run(case).await;
        let ran = Ran {
            name,
            ok: report.passed(),
            report,
        };
        tell(&ran)?;
        all.push(ran);
    }
    Ok(all)
}

/// # Errors
/// When a case failed.
pub(super) fn all_passed(all: &[Ran<'_>]) -> anyhow::Result<()> {
    let failed = all.iter().filter(|ran| !ran.ok).count();
    if failed > 0 {
        bail!("{failed} of {} cases failed", all.len());
    }
    Ok(())
}

pub(super) fn text(ran: &Ran<'_>) -> String {
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
