//! `codex-mesh plugin test … --record`: makes a case of a step that a running host recorded.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cases::{CASE_BYTES, Case};
use crate::cli::client::{Client, HostArgs, encoded};
use crate::registry::PluginVersion;
use crate::text::plain;

/// Which step.
#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// First makes a case of the last step of its kind that a running host recorded
    #[arg(long)]
    pub(super) record: bool,
    /// … of this plan
    #[arg(long, value_name = "ID", requires = "record")]
    plan: Option<String>,
    /// … and this step of it, such as step-2
    #[arg(long, value_name = "ID", requires = "record")]
    step: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Deserialize)]
struct Recordings {
    /// Newest first.
    recordings: Vec<Recording>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    plan_id: String,
    step_id: String,
    attempt: u32,
    sha256: String,
    fault: Option<String>,
    case: Box<RawValue>,
}

/// Adds the case to the folder, as a new file; what it did, in lines for a person.
pub(super) async fn record(
    args: &RecordArgs,
    version: &PluginVersion,
    folder: &Path,
) -> anyhow::Result<String> {
    let recording = newest(args, &version.manifest.kind).await?;
    let case = Case::parse(recording.case.get())
        .map_err(|error| anyhow!("the host's recording is no case: {error}"))?;
    let text = format!("{}\n", serde_json::to_string_pretty(&case)?);
    if u64::try_from(text.len())? > CASE_BYTES {
        bail!("the recording is too large: a case has up to {CASE_BYTES} bytes");
    }
    let file = write(folder, &recording, &text)?;
    let Recording {
        plan_id, step_id, ..
    } = &recording;
    let told = format!("{} is {step_id} of plan {plan_id}", file.display());
    let mut lines = plain(&told) + "\n";
    if recording.sha256 != version.sha256 {
        let sha256 = plain(&recording.sha256);
        lines += &format!("  as another component of the kind ran it: {sha256}\n");
    }
    if let Some(fault) = &recording.fault {
        let fault = plain(fault);
        lines += &format!("  the plugin failed ({fault}): put in what should come of it instead\n");
    }
    Ok(lines)
}

async fn newest(args: &RecordArgs, kind: &str) -> anyhow::Result<Recording> {
    let client = Client::new(&args.host)?;
    let chosen = [("planId", &args.plan), ("stepId", &args.step)];
    let chosen = chosen
        .iter()
        .filter_map(|(name, id)| Some(format!("{name}={}", encoded(id.as_deref()?))));
    let query = chosen.collect::<Vec<_>>().join("&");
    let mut path = format!("/plugins/{}/recordings", encoded(kind));
    if !query.is_empty() {
        path = format!("{path}?{query}");
    }
    let Recordings { recordings } = client.get(&path).await?;
    recordings.into_iter().next().with_context(|| {
        if query.is_empty() {
            format!("the host has recorded no step of the kind {kind} yet: run a plan with one")
        } else {
            format!("the host has no recording of the kind {kind} with {query}")
        }
    })
}

/// Never writes over a file.
fn write(folder: &Path, recording: &Recording, text: &str) -> anyhow::Result<PathBuf> {
    let Recording {
        plan_id,
        step_id,
        attempt,
        ..
    } = recording;
    let name = format!("recorded-{plan_id}-{step_id}-{attempt}");
    // The host's word, which is to be a file's name and nothing more.
    let fits = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let name: String = name.chars().filter(fits).take(100).collect();
    let file = folder.join(name + ".json");
    let shown = file.display();
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let written = File::create_new(&file).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "{shown} is there already: that attempt was recorded before. Run another plan, or \
             choose with --plan and --step"
        ),
        Err(error) => Err(error).with_context(|| format!("can't write {shown}")),
    }
}
