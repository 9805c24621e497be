//! `codex-mesh plugin check`: would a host load this file, and if not, why and what to do. The
//! rules are those of loading, which is what is done here.

mod examine;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::local::{Local, LocalArgs, show};
use crate::text::plain;
use examine::{Report, examine};

/// The exit code is 1 when the host would not load one of the files.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The components (*.wasm)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: LocalArgs,
}

pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let host = args.host.local()?;
    let mut reports = Vec::new();
    for file in &args.files {
        let report = examine(file, &host).await;
        if !args.json {
            show(&text(&report))?;
        }
        reports.push(report);
    }
    if args.json {
        show(&format!("{}\n", serde_json::to_string_pretty(&reports)?))?;
    }
    let refused = reports.iter().filter(|report| !report.ok).count();
    if refused > 0 {
        bail!(
            "the host would not load {refused} of {} files",
            reports.len()
        );
    }
    Ok(())
}

/// Checks a file, of which nothing is said if the host would load it.
///
/// # Errors
/// When it would not; everything about the file is shown by then.
pub(super) async fn must_load(file: &Path, host: &Local) -> anyhow::Result<()> {
    let report = examine(file, host).await;
    if !report.ok {
        show(&text(&report))?;
        bail!("the host would not load {}", file.display());
    }
    Ok(())
}

fn text(report: &Report) -> String {
    let mut all = format!("{}\n", plain(&report.file));
    let mut line = |name: &str, text: &str| all += &format!("  {name:<9} {}\n", plain(text));
    if let (Some(bytes), Some(sha256)) = (report.bytes, &report.sha256) {
        line(
            "size",
            &format!("{bytes} bytes of {} that it may have", report.limit_bytes),
        );
        line("sha256", sha256);
    }
    if let Some(signature) = &report.signature {
        line("signature", signature);
    }
    if let Some(contract) = &report.contract {
        line("contract", contract);
    }
    if let Some(boundary) = &report.boundary {
        line("exports", &listed(&boundary.exports));
        for import in &boundary.imports {
            let granted = if import.granted { "granted" } else { "REFUSED" };
            line("imports", &format!("{} ({granted})", import.name));
        }
    }
    if let Some(manifest) = &report.manifest {
        let asks = format!("{} {}", manifest.method, manifest.endpoint);
        line("kind", &format!("{} {}", manifest.kind, manifest.version));
        line("label", &manifest.label);
        line("asks", &format!("{}: {asks}", manifest.service));
        line("does", &manifest.description);
        line("settings", &manifest.settings_schema);
    }
    if let Some(granted) = &report.granted {
        line("granted", &listed(&granted.routes));
        if !granted.headers.is_empty() {
            line("headers", &listed(&granted.headers));
        }
        if !granted.secrets.is_empty() {
            line("secrets", &listed(&granted.secrets));
        }
    }
    for note in &report.notes {
        line("note", note);
    }
    for problem in &report.problems {
        line("PROBLEM", &problem.problem);
        line("  remedy", &problem.remedy);
    }
    if report.ok {
        line("ok", "the host would load it");
    }
    all
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
