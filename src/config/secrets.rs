//! `[secrets]`: values that are never shown.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Deserializer, de};

use crate::services::{SHORTEST, Secrets, check_secret_name};

/// The longest value, in bytes.
const LONGEST: usize = 4 << 10;

/// All values together, in bytes: what looks for them takes time and memory for each.
const ALL: usize = 32 << 10;

/// Text that is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub(super) fn value(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error would show what is there instead of a text.
        let text = String::deserialize(deserializer);
        text.map(Self)
            .map_err(|_| de::Error::custom("it must be text in quotation marks"))
    }
}

/// The secrets that come of what is set.
///
/// # Errors
/// What is wrong with one, without its value.
pub(super) fn secrets(set: &BTreeMap<String, Secret>) -> anyhow::Result<Secrets> {
    let all: usize = set.values().map(|secret| secret.value().len()).sum();
    if all > ALL {
        bail!("[secrets] has values of {all} bytes together, and {ALL} are allowed");
    }
    let mut secrets = Secrets::default();
    for (name, secret) in set {
        check_secret_name(name).map_err(|error| anyhow!("[secrets] {error}"))?;
        let value = secret.value().trim();
        let fits = value.is_ascii() && (SHORTEST..=LONGEST).contains(&value.len());
        let value: Option<HeaderValue> = value.parse().ok().filter(|_| fits);
        let Some(value) = value else {
            bail!(
                "[secrets] {name}: the value must be {SHORTEST} to {LONGEST} printable characters \
                 of ASCII, as it goes into a header"
            );
        };
        secrets.insert(name.clone(), value);
    }
    Ok(secrets)
}
