//! Compiled components on disk, so that a restart does not compile again.
//!
//! Loading compiled code is unsafe by nature: whoever wrote the file runs code in the host. So
//! the folder is private to the host's user, and each file is sealed (HMAC-SHA256) with a key
//! that only this folder has and that covers the component's digest and the engine's settings.
//! A file that does not fit its seal, for whatever reason, is never loaded but compiled anew.

mod refused;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::fault::LoadError;
use super::system;
use crate::disk::Disk;

type Seal = Hmac<Sha256>;

/// Bytes of a seal.
const SEAL: usize = 32;

/// Bytes of the key: a block of SHA-256.
const KEY: usize = 64;

/// How long reading or writing a compiled component may take: a large one takes a while to check.
const SILENCE: Duration = Duration::from_secs(30);

/// A private folder of compiled components.
pub struct CompileCache {
    folder: PathBuf,
    key: [u8; KEY],
    disk: Disk,
}

impl CompileCache {
    /// Opens the folder, making it if it is missing.
    ///
    /// # Errors
    /// When the folder can't be made, belongs to another user, or others may write to it.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("can't make the cache folder {}", folder.display()))?;
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() {
            bail!("the cache folder {} is not a folder", folder.display());
        }
        // The folder of the process itself tells who we are without a system call of our own.
        let me = fs::metadata("/proc/self")?.uid();
        if found.uid() != me {
            bail!(
                "the cache folder {} belongs to another user: remove it",
                folder.display()
            );
        }
        if found.mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
                .with_context(|| format!("can't make {} private", folder.display()))?;
        }
        let others_could_write = found.mode() & 0o022 != 0;
        make_private(folder, me, others_could_write)
            .with_context(|| format!("can't make {} private: remove it", folder.display()))?;
        let key = key(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            key,
            disk: Disk::new(SILENCE),
        })
    }

    /// The compiled form of `bytes`, if it is on disk and ours.
    pub(super) async fn find(
        self: &Arc<Self>,
        engine: &Engine,
        bytes: Arc<[u8]>,
    ) -> Option<Component> {
        let (cache, engine) = (Arc::clone(self), engine.clone());
        let found = self.disk.ask(move || {
            let identity = identity(&engine, &bytes);
            cache.load(&engine, &identity, &cache.path(&identity))
        });
        found.await.unwrap_or_else(|error| {
            let folder = self.folder.display();
            tracing::warn!(
                "the cache folder {folder} can't be used, and compiling goes on without: {error}"
            );
            None
        })
    }

    /// Takes over what the compiler has just made of `bytes`, and keeps it.
    pub(super) async fn keep(
        self: &Arc<Self>,
        engine: &Engine,
        bytes: Arc<[u8]>,
        compiled: Vec<u8>,
    ) -> Result<Component, LoadError> {
        let compiled: Arc<[u8]> = compiled.into();
        let (engine, taken) = (engine.clone(), Arc::clone(&compiled));
        let taking =
            spawn_blocking(move || Ok((take_over(&engine, &taken)?, identity(&engine, &bytes))));
        let taken = taking.await;
        let (component, identity) =
            taken.unwrap_or_else(|error| Err(LoadError::Compiler(error.to_string())))?;
        let (cache, path) = (Arc::clone(self), self.path(&identity));
        let shown = path.display().to_string();
        let saved = self
            .disk
            .attempt(move || cache.save(&compiled, &identity, &path));
        // A cache that can't be written costs time, not correctness.
        if let Err(error) = saved.await {
            tracing::warn!("a compiled component was not cached in {shown}: {error}");
        }
        Ok(component)
    }

    /// Lets go of every compiled form of the component with this digest.
    pub(crate) async fn remove(&self, digest: &str) -> io::Result<()> {
        let (folder, digest) = (self.folder.clone(), digest.to_owned());
        let removed = self.disk.attempt(move || {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                if !name.is_some_and(|name| name.starts_with(&digest)) {
                    continue;
                }
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    // Or another host that shares the folder was faster.
                    _ => {}
                }
            }
            Ok(())
        });
        removed.await
    }

    fn path(&self, identity: &str) -> PathBuf {
        self.folder.join(format!("{identity}.cwasm"))
    }

    #[allow(unsafe_code)]
    fn load(&self, engine: &Engine, identity: &str, path: &Path) -> Option<Component> {
        let sealed = match read(path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("{} can't be read: {error}; compiling anew", path.display());
                return None;
            }
        };
        let ours = sealed
            .split_at_checked(SEAL)
            .filter(|(seal, compiled)| self.seal(identity, compiled).verify_slice(seal).is_ok());
        let Some((_, compiled)) = ours else {
            tracing::warn!(
                "{} was not written by this host or is damaged; compiling anew",
                path.display()
            );
            return None;
        };
        // SAFETY: the seal fits, so these are the bytes that `keep` took over and saved for the
        // same component and engine, under a key that only this user's processes can read.
        match unsafe { Component::deserialize(engine, compiled) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(
                    "{} can't be loaded: {error:#}; compiling anew",
                    path.display()
                );
                None
            }
        }
    }

    fn save(&self, compiled: &[u8], identity: &str, path: &Path) -> io::Result<()> {
        let seal = self.seal(identity, compiled).finalize().into_bytes();
        // Written aside and renamed, so that no other process ever reads half a file.
        let aside = path.with_extension(format!("{}.tmp", uuid::Uuid::new_v4()));
        let mut file = private_file(&aside)?;
        let written = file
            .write_all(&seal)
            .and_then(|()| file.write_all(compiled));
        written
            .and_then(|()| fs::rename(&aside, path))
            .inspect_err(|_| {
                // Best effort: what matters is the error that is being returned.
                let _ = fs::remove_file(&aside);
            })
    }

    fn seal(&self, identity: &str, compiled: &[u8]) -> Seal {
        let mut seal = Seal::new(&self.key.into());
        seal.update(identity.as_bytes());
        seal.update(compiled);
        seal
    }
}

/// What the compiler has just made.
#[allow(unsafe_code)]
fn take_over(engine: &Engine, compiled: &[u8]) -> Result<Component, LoadError> {
    // SAFETY: these are the bytes that this program, as the compiler, got from
    // `precompile_component`, and they came through a pipe that nobody else could write to.
    let component = unsafe { Component::deserialize(engine, compiled) };
    component.map_err(|error| match system::refused(&error) {
        Some(refused) => LoadError::System(refused),
        None => LoadError::Compile(format!("{error:#}")),
    })
}

/// What the compiled form depends on: the component and how this engine compiles.
fn identity(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}", sha256(bytes), hasher.finish())
}

/// The SHA-256 digest of a component, in lower-case hexadecimal digits: its name everywhere.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Closes the files to others. If another user could have put one there, or could read the key, that key
/// is worth nothing: with a new one, all that it seals is compiled anew.
fn make_private(folder: &Path, me: u32, others_could_write: bool) -> io::Result<()> {
    let mut doubtful = others_could_write;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let found = match fs::symlink_metadata(&path) {
            // Another host that shares the folder was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        if !found.is_file() || (found.uid() == me && found.mode() & 0o077 == 0) {
            continue;
        }
        doubtful = true;
        if found.uid() == me {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    if !doubtful {
        return Ok(());
    }
    tracing::warn!(
        "other users could write to the cache folder {}: what is in it is compiled anew",
        folder.display()
    );
    match fs::remove_file(folder.join("key")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The folder's key, made at first use.
fn key(folder: &Path) -> anyhow::Result<[u8; KEY]> {
    let path = folder.join("key");
    for _ in 0..2 {
        match read(&path) {
            Ok(bytes) => {
                return bytes
                    .try_into()
                    .ok()
                    .with_context(|| format!("{} is damaged: remove the folder", path.display()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(folder, &path)?,
            Err(error) => return Err(error).context(format!("can't read {}", path.display())),
        }
    }
    bail!("{} vanishes as soon as it is written", path.display())
}

/// Writes a new key, unless another process was faster.
fn make_key(folder: &Path, path: &Path) -> anyhow::Result<()> {
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let aside = folder.join(format!("key.{}.tmp", uuid::Uuid::new_v4()));
    private_file(&aside)?.write_all(&key)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Reads a regular file, following no link.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not a regular file",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
