//! The plugins folder: every `*.wasm` in it is a component, `*.wasm.minisig` beside it its
//! signature, and what is added, replaced or removed while the host runs is noticed. It is looked at
//! again and again: that works for every file system, and the folder is small.
//!
//! A good file does not wait for a bad one. First come those that are compiled already, then the
//! others, small ones first, each for a moment; what takes longer goes on behind all others, and gets
//! more time in every round.
//!
//! # Layout
//! - [`files`]: what is in the folder. [`Folder`]: what is known of it, and what comes next.
//! - [`watch`]: looks, loads and serves.

mod files;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use files::{Files, Stamps};

use crate::sandbox::Limits;
pub(crate) use files::{Stamp, stamp};

/// The time that a component may compile in its first round, beside that for which it need not.
const FIRST: Duration = Duration::from_secs(2);

/// How many times that it may in each round after.
const MORE: u32 = 4;

/// How often a file is tried that is not at fault before it is said, and not waited for any more.
const TRIES: u32 = 5;

/// How many rounds a component is tried in, each of them longer than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Round(u32);

impl Round {
    /// Takes what is compiled already.
    const FIRST: Self = Self(0);

    /// How long compiling may take.
    fn limit(self) -> Duration {
        match self.0.checked_sub(1) {
            None => Duration::ZERO,
            Some(more) => FIRST.saturating_mul(MORE.saturating_pow(more)),
        }
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It may still be written to: it is due if it has not changed at the next look.
    Fresh,
    /// It is to be loaded.
    Due(Round),
    /// It is being loaded.
    Loading(Round),
    /// It was loaded, or refused, as it is now.
    Settled,
}

/// What is known of a file.
#[derive(Debug)]
struct Seen {
    stamps: Stamps,
    stage: Stage,
    /// Kind and digest of what was loaded from it last.
    gave: Option<(String, String)>,
    /// Why it was not, if so.
    refusal: Option<String>,
    /// How often it could not be loaded, and was not at fault.
    failures: u32,
    /// There is no room for it beside those before it.
    is_too_much: bool,
    /// It was not there at the last look.
    is_missing: bool,
}

impl Seen {
    /// Whether something new is to come of it. One that is tried again and again is not waited for.
    fn is_awaited(&self) -> bool {
        self.stage != Stage::Settled && self.refusal.is_none()
    }

    fn round(&self) -> Option<Round> {
        match self.stage {
            Stage::Fresh => Some(Round::FIRST),
            Stage::Due(round) | Stage::Loading(round) => Some(round),
            Stage::Settled => None,
        }
    }
}

/// The folder, as it was looked at last.
#[derive(Debug)]
pub(super) struct Folder {
    files: Files,
    seen: BTreeMap<PathBuf, Seen>,
    /// Why it could not be looked at.
    trouble: Option<String>,
    /// What all its components may have together, and one of them, in bytes.
    all_bytes: u64,
    one_bytes: u64,
}

/// What a folder serves, and what is odd about that.
#[derive(Debug, Default)]
struct Serves {
    /// By kind, the digest: of two files the first.
    kinds: BTreeMap<String, String>,
    /// Files whose kind another file serves.
    clashes: BTreeMap<PathBuf, String>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, limits: &Limits) -> Self {
        Self {
            files: Files::new(path),
            seen: BTreeMap::new(),
            trouble: None,
            all_bytes: limits.folder_bytes,
            one_bytes: u64::try_from(limits.component_bytes).unwrap_or(u64::MAX),
        }
    }

    /// Looks at the files for the first time: those that are there count as they are.
    ///
    /// # Errors
    /// When the folder can't be read. One that does not answer may do so later.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        match self.files.look().await {
            Ok(found) => self.note(found, Stage::Due(Round::FIRST)),
            Err(error) if files::is_unanswered(&error) => self.trouble = Some(format!("{error:#}")),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Nothing is being loaded: what was, is to be once more.
    fn begin_again(&mut self) {
        for seen in self.seen.values_mut() {
            if let Stage::Loading(round) = seen.stage {
                seen.stage = Stage::Due(round);
            }
        }
    }

    /// Looks at the files again. If the folder can't be read, all stays as it was.
    async fn look(&mut self) {
        match self.files.look().await {
            Ok(found) => {
                self.trouble = None;
                self.note(found, Stage::Fresh);
            }
            Err(error) => self.trouble = Some(self.files.trouble(&error)),
        }
    }

    fn note(&mut self, found: BTreeMap<PathBuf, Option<Stamps>>, new: Stage) {
        // One that is gone may be about to be replaced, or its folder to go as a whole: it counts as
        // gone at the second look.
        self.seen.retain(|path, seen| {
            let was_missing = std::mem::replace(&mut seen.is_missing, !found.contains_key(path));
            !(was_missing && seen.is_missing)
        });
        for (path, stamps) in found {
            // One that does not answer stays as it was.
            let Some(stamps) = stamps else { continue };
            match self.seen.get_mut(&path) {
                Some(seen) if seen.stamps != stamps => {
                    seen.stamps = stamps;
                    seen.stage = Stage::Fresh;
                    seen.refusal = None;
                    seen.failures = 0;
                }
                Some(seen) if seen.stage == Stage::Fresh => seen.stage = Stage::Due(Round::FIRST),
                Some(_) => {}
                None => {
                    let seen = Seen {
                        stamps,
                        stage: new,
                        gave: None,
                        refusal: None,
                        failures: 0,
                        is_too_much: false,
                        is_missing: false,
                    };
                    self.seen.insert(path, seen);
                }
            }
        }
        self.fit();
    }

    /// Leaves out what there is no room for, and takes it once there is.
    fn fit(&mut self) {
        let (limit, mut left) = (self.all_bytes, self.all_bytes);
        for seen in self.seen.values_mut() {
            // One that is too large by itself is refused for that, and takes no room.
            let size = Some(seen.stamps.0.size()).filter(|size| *size <= self.one_bytes);
            let fits = left.checked_sub(size.unwrap_or(0));
            left = fits.unwrap_or(left);
            match (seen.is_too_much, fits) {
                (_, None) => {
                    seen.stage = Stage::Settled;
                    seen.refusal = Some(format!(
                        "the components in the folder have more than {limit} bytes with it: remove some, or \
                         raise folder_bytes under [limits.plugin]"
                    ));
                }
                (true, Some(_)) => {
                    seen.stage = Stage::Fresh;
                    seen.refusal = None;
                }
                (false, Some(_)) => {}
            }
            seen.is_too_much = fits.is_none();
        }
    }

    /// The next file to be loaded; it is being loaded from now on.
    fn next(&mut self) -> Option<(PathBuf, Stamps, Round)> {
        let due = self
            .seen
            .iter_mut()
            .filter_map(|(path, seen)| match seen.stage {
                Stage::Due(round) => Some((round, seen.stamps.0.size(), path, seen)),
                _ => None,
            });
        let (round, _, path, seen) =
            due.min_by_key(|(round, size, path, _)| (*round, *size, *path))?;
        seen.stage = Stage::Loading(round);
        Some((path.clone(), seen.stamps, round))
    }

    /// What something new is to come of, but for what does not answer.
    fn awaited(&self) -> impl Iterator<Item = (&PathBuf, &Seen)> {
        let awaited = self.seen.iter().filter(|(_, seen)| seen.is_awaited());
        awaited.filter(|(path, _)| !self.files.hangs(path))
    }

    /// The files of which something new is to come.
    fn loading(&self) -> BTreeSet<String> {
        let awaited = self.awaited();
        awaited
            .map(|(path, _)| path.display().to_string())
            .collect()
    }

    /// Whether some of them may be compiled already, as they were before a restart.
    fn may_be_known(&self) -> bool {
        let mut awaited = self.awaited();
        awaited.any(|(_, seen)| seen.round() == Some(Round::FIRST))
    }

    /// Whether something in it does not answer, or it can't be looked at.
    fn is_troubled(&self) -> bool {
        self.trouble.is_some() || !self.files.unanswering().is_empty()
    }

    /// What was loaded with this digest can't be used after all.
    fn refuse(&mut self, digest: &str, why: &str) {
        for seen in self.seen.values_mut() {
            if seen.gave.as_ref().is_some_and(|(_, gave)| gave == digest) {
                seen.gave = None;
                seen.refusal = Some(why.to_owned());
            }
        }
    }

    fn serves(&self) -> Serves {
        let mut first: BTreeMap<&str, &Path> = BTreeMap::new();
        let mut serves = Serves::default();
        for (path, seen) in &self.seen {
            let Some((kind, digest)) = &seen.gave else {
                continue;
            };
            let Some(first) = first.get(kind.as_str()) else {
                first.insert(kind, path);
                serves.kinds.insert(kind.clone(), digest.clone());
                continue;
            };
            let (shown, first) = (path.display(), first.display());
            let clash = format!("{shown} is skipped: {first} already serves the kind {kind}");
            serves.clashes.insert(path.clone(), clash);
        }
        serves
    }

    /// What the operator should know: of each file one thing, and of the folder.
    fn notices(&self, replaces: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let clashes = self.serves().clashes;
        let said = self.seen.iter().filter_map(|(path, seen)| {
            let shown = path.display();
            let clash = clashes.get(path).cloned();
            let replaced = || {
                let (kind, digest) = seen.gave.as_ref()?;
                let said = format!("{shown} replaces the embedded kind {kind}");
                replaces(kind, digest).then_some(said)
            };
            let refusal = seen.refusal.as_ref();
            let refusal = refusal.map(|why| format!("{shown} is skipped: {why}"));
            refusal.or(clash).or_else(replaced)
        });
        let unanswering = self.files.unanswering();
        said.chain(unanswering)
            .chain(self.files.left_out())
            .chain(self.trouble.clone())
            .collect()
    }
}
