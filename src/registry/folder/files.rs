//! What is in the plugins folder, asked of a file system that may never answer. What does not answer
//! is not asked again before it has.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, bail};

use crate::disk::{Disk, NoAnswer, Waiting};
use crate::registry::component::signature_file;

/// The most files that are looked at.
const FILES: usize = 1_000;

/// Files that do not answer before no others are looked at, so that a thread is left for those that
/// were.
const HANGING: usize = 2;

/// How long the folder, one of its files, or the next piece of one may take to answer.
const SILENCE: Duration = Duration::from_secs(5);

/// What to do about something that does not answer.
const REMEDY: &str =
    "what was loaded of it stays. Remove it, or mend what it is on, such as a network mount";

/// What tells one state of a file from another: inode, size, and when it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64, u64, i64, i64);

/// The states of a component and of its signature, if there is one.
pub(super) type Stamps = (Stamp, Option<Stamp>);

/// The files of a folder.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    disk: Disk,
    /// What does not answer: the folder itself, or files in it.
    hanging: BTreeMap<PathBuf, Waiting>,
    /// How many components there are beside those that are looked at.
    left_out: usize,
}

impl Stamp {
    /// Of the file, in bytes.
    pub(super) fn size(self) -> u64 {
        self.1
    }
}

impl Files {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            disk: Disk::new(SILENCE),
            hanging: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// Every `*.wasm` in the folder, by name, and its state; none of those that do not answer, or
    /// that are not looked at while others do not.
    ///
    /// # Errors
    /// When the folder can't be read, or does not answer.
    pub(super) async fn look(&mut self) -> anyhow::Result<BTreeMap<PathBuf, Option<Stamps>>> {
        self.hanging.retain(|_, thread| !thread.is_over());
        let names = self.names().await?;
        let mut found: BTreeMap<_, _> =
            names.iter().map(|(_, path)| (path.clone(), None)).collect();
        let names = names.into_iter();
        let mut rest: VecDeque<(bool, PathBuf)> = names
            .filter(|(_, path)| !self.hanging.contains_key(path))
            .collect();
        loop {
            if self.hanging.len() >= HANGING {
                rest.retain(|(is_link, _)| !is_link);
            }
            if rest.is_empty() {
                return Ok(found);
            }
            self.walk(&mut rest, &mut found).await?;
        }
    }

    /// Looks at the files in turn, up to one that does not answer.
    async fn walk(
        &mut self,
        rest: &mut VecDeque<(bool, PathBuf)>,
        found: &mut BTreeMap<PathBuf, Option<Stamps>>,
    ) -> anyhow::Result<()> {
        let files = rest.clone();
        let walk = self.disk.follow(move |tell| {
            let mut files = files.iter();
            while files
                .next()
                .is_some_and(|(_, file)| tell(stamps(file).ok()))
            {}
        });
        let mut walk = walk.await.with_context(|| self.unanswered())?;
        while let Some((_, file)) = rest.pop_front() {
            match walk.next().await {
                Ok(Some(Some(stamps))) => {
                    found.insert(file, Some(stamps));
                }
                // It went away meanwhile.
                Ok(Some(None)) => {
                    found.remove(&file);
                }
                Ok(None) => return Err(NoAnswer::Failed).with_context(|| self.unanswered()),
                Err(why) => {
                    self.note(&file, &why);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The names of the components, and of each whether it is a link: those may lead anywhere, so
    /// that they come last. Of too many the first.
    async fn names(&mut self) -> anyhow::Result<BTreeSet<(bool, PathBuf)>> {
        if self.hanging.contains_key(&self.path) {
            bail!(self.unanswered());
        }
        let folder = self.path.clone();
        let names = match self.disk.ask(move || names(&folder)).await {
            Ok(names) => names,
            Err(why) => {
                let path = self.path.clone();
                self.note(&path, &why);
                return Err(why).with_context(|| self.unanswered());
            }
        };
        let unreadable = || format!("can't read the plugins folder {}", self.path.display());
        let (names, left_out) = names.with_context(unreadable)?;
        self.left_out = left_out;
        Ok(names)
    }

    fn unanswered(&self) -> String {
        let folder = self.path.display();
        format!("the plugins folder {folder} does not answer: {REMEDY}")
    }

    /// What the folder is asked with.
    pub(super) fn disk(&self) -> Disk {
        self.disk.clone()
    }

    /// Notes why a file, or the folder, does not answer.
    pub(super) fn note(&mut self, path: &Path, why: &NoAnswer) {
        if let NoAnswer::Hangs(_, thread) = why {
            self.hanging.insert(path.to_owned(), thread.clone());
        }
    }

    /// Whether a file does not answer.
    pub(super) fn hangs(&self, file: &Path) -> bool {
        self.hanging.contains_key(file)
    }

    /// What is said of a folder that can't be looked at any more.
    pub(super) fn trouble(&self, error: &anyhow::Error) -> String {
        if is_unanswered(error) || self.hanging.contains_key(&self.path) {
            return self.unanswered();
        }
        format!(
            "{error:#}: its kinds stay as they are loaded. Make it readable again, or restart the host with \
             another --plugins"
        )
    }

    /// What is left out, and what to do.
    pub(super) fn left_out(&self) -> Option<String> {
        let (folder, left_out) = (self.path.display(), self.left_out);
        (left_out > 0).then(|| {
            format!(
                "the plugins folder {folder} has {left_out} components more than {FILES}, which is the limit: \
                 the last by name, and links before files, are left out. Remove some"
            )
        })
    }

    /// What does not answer, and what to do.
    pub(super) fn unanswering(&self) -> Vec<String> {
        let files = self.hanging.keys().filter(|path| **path != self.path);
        let said = files.map(|file| format!("{} does not answer: {REMEDY}", file.display()));
        let mut said: Vec<String> = said.collect();
        if said.len() >= HANGING {
            let folder = self.path.display();
            said.push(format!(
                "while they do not answer, no other links in {folder} are looked at"
            ));
        }
        said
    }
}

/// The first names, and how many more there are.
fn names(folder: &Path) -> io::Result<(BTreeSet<(bool, PathBuf)>, usize)> {
    let (mut names, mut left_out) = (BTreeSet::new(), 0_usize);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            names.insert((entry.file_type()?.is_symlink(), path));
        }
        if names.len() > FILES && names.pop_last().is_some() {
            left_out = left_out.saturating_add(1);
        }
    }
    Ok((names, left_out))
}

/// The state of a component now.
pub(super) async fn stamps_now(disk: &Disk, component: &Path) -> io::Result<Stamps> {
    let component = component.to_owned();
    disk.attempt(move || stamps(&component)).await
}

/// Whether something was wrong because there was no answer.
pub(super) fn is_unanswered(error: &anyhow::Error) -> bool {
    NoAnswer::of(error).is_some()
}

fn stamps(component: &Path) -> io::Result<Stamps> {
    Ok((stamp(component)?, stamp(&signature_file(component)).ok()))
}

/// What a file is like now.
pub(crate) fn stamp(path: &Path) -> io::Result<Stamp> {
    // Of the link itself if it leads nowhere: a link without its file is worth a notice.
    let found = fs::metadata(path).or_else(|_| fs::symlink_metadata(path))?;
    Ok(Stamp(
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
    ))
}
