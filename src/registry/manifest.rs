//! What a plugin says of itself, checked: nothing of it is trusted before.

use semver::Version;

use super::schema::SettingsSchema;
use crate::plan::Method;
use crate::sandbox::bindings as wit;
use crate::services::{Catalogue, known, path};

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The step kind.
    pub kind: String,
    /// The plugin's version.
    pub version: Version,
    /// What clients see.
    pub label: String,
    /// The service it asks.
    pub service: String,
    /// The method of its usual request.
    pub method: Method,
    /// The path of its usual request.
    pub endpoint: String,
    /// What it does.
    pub description: String,
    /// What its settings may be.
    pub settings_schema: SettingsSchema,
}

impl Manifest {
    /// Checks what `describe` returned, as the contract documents it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(said: wit::Manifest, catalogue: &Catalogue) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let checks = [
            check_kind(&said.kind),
            check_text("label", &said.label, 1..=120),
            check_text("description", &said.description, 0..=1_000),
            check_service(&said.service, catalogue),
            path::check(&said.endpoint)
                .map_err(|error| format!("the endpoint is no path: {error}")),
        ];
        wrong.extend(checks.into_iter().filter_map(Result::err));
        let version = check_version(&said.version).map_err(|error| wrong.push(error));
        let schema = check_schema(said.settings_schema).map_err(|error| wrong.push(error));
        let (Ok(version), Ok(settings_schema), true) = (version, schema, wrong.is_empty()) else {
            return Err(wrong);
        };
        Ok(Self {
            kind: said.kind,
            version,
            label: said.label,
            service: said.service,
            method: said.method.into(),
            endpoint: said.endpoint,
            description: said.description,
            settings_schema,
        })
    }
}

fn check_service(name: &str, catalogue: &Catalogue) -> Result<(), String> {
    if name == known::BRAIN {
        return Err("the service brain keeps the audit log, which is the host's alone".to_owned());
    }
    if catalogue.get(name).is_none() {
        let shown: String = name.chars().take(64).collect();
        return Err(format!(
            "the service {shown:?} is not configured: add [services.<name>] with its url"
        ));
    }
    Ok(())
}

fn check_version(version: &str) -> Result<Version, String> {
    check_text("version", version, 1..=64)?;
    Version::parse(version)
        .map_err(|error| format!("the version is not a semantic version: {error}"))
}

fn check_schema(schema: String) -> Result<SettingsSchema, String> {
    SettingsSchema::compile(schema).map_err(|error| format!("the settings-schema {error}"))
}

/// Checks the name of a step kind.
///
/// # Errors
/// What such a name is made of.
pub fn check_kind(kind: &str) -> Result<(), String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = kind.len() <= 64
        && kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind.chars().all(letters);
    if fits {
        return Ok(());
    }
    let shown: String = kind.chars().take(64).collect();
    Err(format!(
        "the kind {shown:?} must be 1 to 64 of a-z, 0-9 and -, beginning with a letter"
    ))
}

fn check_text(
    name: &str,
    text: &str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<(), String> {
    let count = text.chars().count();
    if !length.contains(&count) {
        return Err(format!(
            "the {name} has {count} characters, and must have {} to {}",
            length.start(),
            length.end()
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("the {name} has control characters"));
    }
    Ok(())
}
