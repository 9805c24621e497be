//! Secrets that plugins may name and never see: the host fills in their values as a request leaves.

use std::collections::BTreeMap;

use reqwest::header::HeaderValue;

/// The longest name of a secret, in characters.
const LONGEST: usize = 64;

/// The values of secrets, by name. They are marked as sensitive, and so never printed.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeMap<String, HeaderValue>);

impl Secrets {
    /// Adds one.
    pub fn insert(&mut self, name: String, mut value: HeaderValue) {
        value.set_sensitive(true);
        self.0.insert(name, value);
    }

    /// The value of the secret with this name.
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.0.get(name)
    }

    /// Every value.
    pub fn values(&self) -> impl Iterator<Item = &HeaderValue> {
        self.0.values()
    }
}

/// Checks the name of a secret.
///
/// # Errors
/// What such a name is made of.
pub fn check_secret_name(name: &str) -> Result<(), String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=LONGEST).contains(&name.len()) && name.chars().all(letters) {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST).collect();
    Err(format!(
        "{shown:?} names no secret: such a name is 1 to {LONGEST} of a-z, 0-9 and _"
    ))
}
