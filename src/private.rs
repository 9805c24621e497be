//! Files and folders that are the host's user's alone: plans and what came of them are kept in clear.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Every bit of a mode.
const ALL: u32 = 0o7777;

/// Those of others than its owner.
const OTHERS: u32 = 0o077;

/// Makes such a file, which may not be there.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    let options = options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(path)?;
    // The umask may even have taken something from its owner.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Opens such a file for reading and writing, and makes it if it is missing.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    match create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        created => return created,
    }
    // Also made here where it is a link to what is missing.
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path)?;
    close([path]);
    Ok(file)
}

/// Makes such a folder, and those that it is in, if they are missing. One that is there is closed to
/// others, unless there is more in it than the host's: others may need that.
pub(crate) fn make_folder(path: &Path, is_ours: impl Fn(&str) -> bool) -> io::Result<()> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            return fs::set_permissions(path, Permissions::from_mode(0o700));
        }
        found => {
            if !found?.is_dir() {
                return Err(io::Error::new(
                    ErrorKind::NotADirectory,
                    "it is not a folder",
                ));
            }
        }
    }
    let mut own = is_own(path)?;
    for entry in fs::read_dir(path)? {
        own &= is_ours(&entry?.file_name().to_string_lossy());
    }
    if own {
        close([path]);
    } else if fs::metadata(path)?.mode() & OTHERS != 0 {
        tracing::warn!(
            "others may look into {}, which is not the host's alone and is left as it is. The files of \
             the host in it are closed to them: better give it a folder of its own",
            path.display()
        );
    }
    Ok(())
}

/// Closes files and folders of the host to others, whoever made them and whatever they may do with new
/// ones (umask). Where that can't be done, the operator is told once.
pub(crate) fn close<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) {
    let failed = paths.into_iter().map(|path| closed(path.as_ref()));
    let mut failed = failed.filter_map(Result::err);
    if let Some(first) = failed.next() {
        let more = match failed.count() {
            0 => String::new(),
            more => format!(", nor of {more} more beside it"),
        };
        tracing::warn!(
            "{first}{more}: give it to the host's user (chown), or keep the data elsewhere"
        );
    }
}

/// The error says that others may do something with it, or that it can't be looked at.
fn closed(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let look =
        || fs::metadata(path).map_err(|error| format!("{shown} can't be looked at: {error}"));
    let found = look()?;
    let mode = found.mode() & ALL;
    let kept = mode & if found.is_dir() { !OTHERS } else { 0o600 };
    if mode == kept {
        return Ok(());
    }
    let changed = fs::set_permissions(path, Permissions::from_mode(kept));
    // There are file systems that know no permissions, and say that they are changed.
    let mode = look()?.mode() & ALL;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let why = changed.map_or_else(|error| error.to_string(), |()| "it stays so".to_owned());
    Err(format!(
        "others may use {shown} (mode {mode:04o}), and that can't be changed ({why})"
    ))
}

/// Whether it belongs to the host's user, and is not meant for everybody as `/tmp` is.
fn is_own(path: &Path) -> io::Result<bool> {
    const STICKY: u32 = 0o1000;
    let found = fs::metadata(path)?;
    let me = rustix::process::geteuid().as_raw();
    Ok(found.uid() == me && found.mode() & STICKY == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Not even root can change what the system makes up.
    #[test]
    fn what_cannot_be_closed_is_told() {
        let told = closed(Path::new("/proc/self/status")).unwrap_err();
        let parts = ["/proc/self/status", "(mode 0444)", "can't be changed"];
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
}
