//! A file system that does not answer, for one program: what it asks of the files under a path waits
//! for as long as another file is there. Nothing else tells it from a network mount whose server is
//! gone, and it needs no privileges.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Stands before the system's own functions, as far as Rust's library uses them (ld.so(8), LD_PRELOAD).
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_for(const char *call, const char *path) {
    const char *calls = getenv("STALLED_CALLS"), *under = getenv("STALLED_UNDER");
    const char *as_long_as = getenv("STALLED_WHILE");
    if (!path || !strstr(calls, call) || strncmp(path, under, strlen(under))) return;
    while (access(as_long_as, F_OK) == 0) usleep(5000);
}

int open64(const char *path, int flags, ...) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    wait_for("open", path);
    return real(path, flags, mode);
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *found) {
    int (*real)(int, const char *, int, unsigned, struct statx *) = dlsym(RTLD_NEXT, "statx");
    wait_for("stat", path);
    return real(folder, path, flags, mask, found);
}

DIR *opendir(const char *path) {
    DIR *(*real)(const char *) = dlsym(RTLD_NEXT, "opendir");
    wait_for("list", path);
    return real(path);
}
"#;

/// Where a program is to get no answers.
pub struct Stalled {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Stalled {
    /// Of these calls, of `list`, `stat` and `open`, for everything whose path begins so.
    pub fn calls(calls: &str, under: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("s.c"), folder.path().join("s.so"));
        fs::write(&source, SOURCE).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source);
        assert!(cc.arg("-ldl").status().unwrap().success());
        let lock = folder.path().join("stalled");
        File::create(&lock).unwrap();
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
        let variables = vec![
            ("LD_PRELOAD", text(&library)),
            ("STALLED_CALLS", calls.to_owned()),
            ("STALLED_UNDER", text(&under.to_owned())),
            ("STALLED_WHILE", text(&lock)),
        ];
        Self { folder, variables }
    }

    /// What the program's environment needs.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (*name, value.as_str()))
    }

    /// From now on it answers.
    pub fn answer(&self) {
        fs::remove_file(self.folder.path().join("stalled")).unwrap();
    }
}
