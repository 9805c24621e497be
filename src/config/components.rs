//! Which components may be loaded beside the embedded ones, and which of them count as checks: both
//! are lists of digests and of keys.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};

use super::Config;
use crate::registry::{Allowed, SigningKey};

/// The components that are listed. `at` is what the two lists are called.
///
/// # Errors
/// What is no digest, or no key.
fn listed(digests: &[String], keys: &[String], at: [&str; 2]) -> anyhow::Result<Allowed> {
    let [at_digests, at_keys] = at;
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    for digest in digests {
        if digest.len() != 64 || !digest.chars().all(is_digit) {
            bail!("{at_digests}: {digest:?} is no SHA-256 in 64 lower-case hexadecimal digits");
        }
    }
    let keys: Result<_, String> = keys.iter().map(|key| SigningKey::parse(key)).collect();
    Ok(Allowed {
        digests: digests.iter().cloned().collect(),
        keys: keys.map_err(|wrong| anyhow!("{at_keys}: {wrong}"))?,
    })
}

impl Config {
    /// The components that may be loaded beside the embedded ones.
    pub(super) fn allowed(&self) -> anyhow::Result<Allowed> {
        let at = ["require_sha256", "require_signature"];
        listed(&self.require_sha256, &self.require_signature, at)
    }

    /// By kind, the components that count as checks beside the embedded one.
    pub(super) fn trusted(&self) -> anyhow::Result<BTreeMap<String, Allowed>> {
        let mut trusted = BTreeMap::new();
        for (kind, named) in &self.policy.trusted {
            let at = format!("[policy.trusted.{kind}]");
            if !self.policy.live_requires.contains(kind) {
                bail!(
                    "{at} {kind:?} is no check that LIVE plans must have: [policy] live_requires is \
                     {}",
                    self.policy.live_requires.join(", ")
                );
            }
            let at = [&*format!("{at} sha256"), &*format!("{at} signature")];
            trusted.insert(kind.clone(), listed(&named.sha256, &named.signature, at)?);
        }
        Ok(trusted)
    }
}
