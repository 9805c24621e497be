//! The cases of a folder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use super::model::Case;

/// The most cases of one folder.
pub const CASES: usize = 1_000;

/// The largest file of a case, in bytes: an answer of a service at the host's default limit fits,
/// with a result that repeats it.
pub const CASE_BYTES: u64 = 4 << 20;

/// Every `*.json` of the folder, by name; each case is named.
///
/// # Errors
/// When there are none or too many, or one of them can't be read or is no case: which one, and why.
pub fn read(folder: &Path) -> anyhow::Result<Vec<(String, Case)>> {
    let shown = folder.display();
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("can't read {shown}"))? {
        let path = entry.with_context(|| format!("can't read {shown}"))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
        if files.len() > CASES {
            bail!("{shown} has more than {CASES} cases: split the folder");
        }
    }
    if files.is_empty() {
        bail!("{shown} has no cases: a case is a *.json file in it, as docs/cases.md describes");
    }
    files.sort();
    let cases = files.iter().map(|file| {
        let case = case(file).with_context(|| file.display().to_string())?;
        let stem = || file.file_stem().map(|stem| stem.display().to_string());
        let name = case.name.clone().or_else(stem).unwrap_or_default();
        Ok((name, case))
    });
    cases.collect()
}

fn case(file: &Path) -> anyhow::Result<Case> {
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(file)?.is_file() {
        bail!("it is not a regular file");
    }
    let mut text = String::new();
    File::open(file)?
        .take(CASE_BYTES.saturating_add(1))
        .read_to_string(&mut text)?;
    if u64::try_from(text.len())? > CASE_BYTES {
        bail!("it has more than {CASE_BYTES} bytes, which is the limit");
    }
    Case::parse(&text).map_err(|error| anyhow!("it is no case: {error}"))
}
