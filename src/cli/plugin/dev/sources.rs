//! The files that a project is made of, and when they change. They are looked at again and again,
//! as the host looks at its plugins folder: that works for every file system.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::registry::{Stamp, stamp};

/// The most files that are looked at.
const FILES: usize = 10_000;

/// How often. A change counts once nothing changes from one look to the next.
const LOOK: Duration = Duration::from_millis(250);

/// What is brought or made by tools, beside hidden files and components.
const MADE: [&str; 6] = [
    "Cargo.lock",
    "__pycache__",
    "dist",
    "node_modules",
    "package-lock.json",
    "target",
];

/// Where the files are.
pub(super) struct Sources(Vec<PathBuf>);

/// One state of the files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, Stamp>);

impl Sources {
    /// Those of a project, with cases that may be elsewhere.
    pub(super) fn of(project: &Path, cases: Option<&Path>) -> Self {
        let folders = [Some(project), cases];
        Self(folders.into_iter().flatten().map(Path::to_owned).collect())
    }

    /// Looks at the files.
    ///
    /// # Errors
    /// When a folder can't be read, or there are too many files.
    pub(super) fn look(&self) -> anyhow::Result<Seen> {
        let mut files = BTreeMap::new();
        for folder in &self.0 {
            let unreadable = || format!("can't read {}", folder.display());
            look_at(folder, &mut files).with_context(unreadable)?;
        }
        Ok(Seen(files))
    }

    /// Waits until the files are not what was seen, and stay as they are.
    ///
    /// # Errors
    /// As for [`Sources::look`].
    pub(super) async fn changed(&self, seen: &Seen) -> anyhow::Result<()> {
        let mut last = self.look()?;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.look()?;
            if now == last && now != *seen {
                return Ok(());
            }
            last = now;
        }
    }
}

fn look_at(root: &Path, files: &mut BTreeMap<PathBuf, Stamp>) -> anyhow::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // It was removed since it was listed.
            Err(_) if folder != root => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            if is_made(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            // Of the entry itself: no link to a folder is followed, which could lead in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.is_file()
                && let Ok(stamp) = stamp(&path)
            {
                files.insert(path, stamp);
            }
            if files.len().saturating_add(folders.len()) > FILES {
                bail!("it has more than {FILES} files, which is too much to watch");
            }
        }
    }
    Ok(())
}

fn is_made(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || name.ends_with(".wasm") || MADE.contains(&&*name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_author_writes_counts() {
        let folder = tempfile::tempdir().unwrap();
        let cases = tempfile::tempdir().unwrap();
        let sources = Sources::of(folder.path(), Some(cases.path()));
        let put = |folder: &Path, name: &str| {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        };
        put(folder.path(), "src/deep/lib.rs");
        std::os::unix::fs::symlink("..", folder.path().join("src/round")).unwrap();
        let seen = sources.look().unwrap();
        for made in [
            "target/release/x",
            "node_modules/a/b.js",
            "dist/x.js",
            "__pycache__/x.pyc",
            "src/.x.swp",
            ".git/HEAD",
            "Cargo.lock",
            "package-lock.json",
            "my-step.wasm",
        ] {
            put(folder.path(), made);
            assert_eq!(sources.look().unwrap(), seen, "{made}");
        }
        for (folder, name) in [(&folder, "src/deep/new.rs"), (&cases, "new.json")] {
            let before = sources.look().unwrap();
            put(folder.path(), name);
            assert_ne!(sources.look().unwrap(), before, "{name}");
        }
        let before = sources.look().unwrap();
        fs::write(folder.path().join("src/deep/lib.rs"), "more").unwrap();
        assert_ne!(sources.look().unwrap(), before);
        fs::remove_dir_all(cases.path()).unwrap();
        assert!(sources.look().is_err());
    }

    #[test]
    fn a_folder_that_is_no_project_is_not_watched() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=FILES {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        let error = Sources::of(folder.path(), None).look().unwrap_err();
        assert!(format!("{error:#}").contains("more than 10000 files"));
    }
}
