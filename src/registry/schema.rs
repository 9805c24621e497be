//! The JSON Schema of a kind's settings. It is a plugin's, so it is not trusted: what could fetch
//! something, run in circles or take exponential time is refused when the plugin is loaded, and
//! what checking settings against the rest may take is known before it is done.

mod survey;

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::plan::Json;
use survey::Survey;

/// The largest schema, in bytes.
const BYTES: usize = 64 << 10;

/// What a pattern may take compiled, in bytes: the first of these in which all of a schema fit says
/// what matching them costs.
const COMPILED: [usize; 5] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];

/// What a pattern may remember while it is matched, in bytes.
const CACHE: usize = 1 << 20;

/// Bytes of a compiled pattern for one of its states.
const STATE: usize = 32;

/// What looking at one value for one part of a schema takes, in steps of a pattern; and so many
/// bytes of text count as a value.
const VISIT: usize = 8;
const TEXT: usize = 16;

/// The same for `multipleOf`, which calculates with numbers of a thousand digits.
const DIVISION: usize = 1_000;

/// What checking the settings of one plan may take, in steps of a pattern: about a second.
pub const MOST_WORK: usize = 1_000_000_000;

/// Up to how many parts times values, and how much work, it is found out what is wrong: the
/// explanation of an `anyOf` has one of each branch for each value.
const EXPLAINED: usize = 100_000;
const EXPLAINED_WORK: usize = 20_000_000;

/// The longest explanation, in characters.
const EXPLANATION: usize = 300;

/// A kind's settings: what they may be.
#[derive(Clone)]
pub struct SettingsSchema {
    json: Json,
    validator: Arc<Validator>,
    /// The same for settings of which some are still to come.
    partial: Arc<Validator>,
    survey: Survey,
    /// What its largest pattern takes compiled, in bytes.
    compiled: usize,
    /// The settings that are listed, and whether there may be no others.
    names: Vec<String>,
    closed: bool,
}

/// How large settings are.
#[derive(Default)]
struct Size {
    /// Values, themselves included.
    values: usize,
    /// Bytes of all texts and names.
    text: usize,
}

impl SettingsSchema {
    /// Checks and compiles a schema, as the contract documents it. A large one takes a moment.
    ///
    /// # Errors
    /// The first thing that is wrong with it, to follow "the settings-schema ".
    pub fn compile(text: String) -> Result<Self, String> {
        if text.len() > BYTES {
            return Err(format!("has more than {BYTES} bytes"));
        }
        let json = Json::parse(text).map_err(|error| format!("is not JSON: {error}"))?;
        let value: Value =
            serde_json::from_str(json.as_str()).map_err(|error| format!("is not JSON: {error}"))?;
        let Value::Object(fields) = &value else {
            return Err("is not a JSON object".to_owned());
        };
        let mut survey = Survey::default();
        survey.schema(&value, 1)?;
        let (validator, compiled) = build(&value)?;
        let validator = Arc::new(validator);
        let partial = match fields.get("required") {
            None => Arc::clone(&validator),
            Some(_) => {
                let mut optional = fields.clone();
                optional.remove("required");
                Arc::new(build(&Value::Object(optional))?.0)
            }
        };
        let properties = fields.get("properties").and_then(Value::as_object);
        Ok(Self {
            json,
            validator,
            partial,
            survey,
            compiled,
            names: properties.map_or_else(Vec::new, |names| names.keys().cloned().collect()),
            closed: fields.get("additionalProperties") == Some(&Value::Bool(false))
                && !fields.contains_key("patternProperties"),
        })
    }

    /// The schema itself.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Whether it lists a setting of this name.
    pub fn lists(&self, name: &str) -> bool {
        self.names.iter().any(|listed| listed == name)
    }

    /// Whether there may be a setting of this name.
    pub fn allows(&self, name: &str) -> bool {
        !self.closed || self.lists(name)
    }

    /// What checking these settings takes at the most, in steps of a pattern: some nanoseconds.
    pub fn work(&self, settings: &Value) -> usize {
        let Size { values, text } = Size::of(settings);
        let Survey {
            parts,
            patterns,
            divisions,
        } = self.survey;
        let visits = parts.saturating_mul(values.saturating_add(text / TEXT));
        let steps = patterns.saturating_mul((self.compiled / STATE).saturating_mul(text));
        let divisions = divisions.saturating_mul(values).saturating_mul(DIVISION);
        visits
            .saturating_mul(VISIT)
            .saturating_add(steps)
            .saturating_add(divisions)
    }

    /// Checks settings.
    ///
    /// # Errors
    /// Where in them what is wrong, and what is allowed, to follow "settings".
    pub fn check(&self, settings: &Value) -> Result<(), String> {
        self.judge(&self.validator, settings, |error| error.to_string())
    }

    /// The same without repeating what they are, which may be somebody else's to see.
    ///
    /// # Errors
    /// Where in them what is wrong, and what is allowed, to follow "settings".
    pub fn check_masked(&self, settings: &Value) -> Result<(), String> {
        self.judge(&self.validator, settings, |error| {
            error.masked().to_string()
        })
    }

    /// The same of settings to which others are added later.
    ///
    /// # Errors
    /// Where in them what is wrong, and what is allowed, to follow "settings".
    pub fn check_part(&self, settings: &Value) -> Result<(), String> {
        self.judge(&self.partial, settings, |error| error.masked().to_string())
    }

    fn judge(
        &self,
        validator: &Validator,
        settings: &Value,
        say: impl Fn(&ValidationError<'_>) -> String,
    ) -> Result<(), String> {
        if validator.is_valid(settings) {
            return Ok(());
        }
        let visits = self.survey.parts.saturating_mul(Size::of(settings).values);
        if visits > EXPLAINED || self.work(settings) > EXPLAINED_WORK {
            return Err(" do not fit the schema of their kind".to_owned());
        }
        let Err(error) = validator.validate(settings) else {
            return Ok(());
        };
        let mut said = say(&error);
        if said.chars().count() > EXPLANATION {
            // What is allowed comes after the value, and matters more.
            said = error.masked().to_string();
        }
        let place = match error.instance_path().as_str() {
            "" => String::new(),
            pointer => format!(" at {}", shorten(pointer)),
        };
        Err(format!("{place}: {}{}", shorten(&said), self.known()))
    }

    /// The names that there are, for somebody who used another.
    fn known(&self) -> String {
        match (self.closed, self.names.as_slice()) {
            (false, _) => String::new(),
            (true, []) => " (this kind has no settings)".to_owned(),
            (true, names) => format!(" (the settings are {})", shorten(&names.join(", "))),
        }
    }
}

impl Size {
    fn of(value: &Value) -> Self {
        let mut size = Self::default();
        size.add(value);
        size
    }

    fn add(&mut self, value: &Value) {
        self.values += 1;
        match value {
            Value::String(text) => self.text += text.len(),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(fields) => fields.iter().for_each(|(name, field)| {
                self.text += name.len();
                self.add(field);
            }),
            _ => {}
        }
    }
}

/// Compiles a schema; and what its patterns take at the most, in bytes.
fn build(schema: &Value) -> Result<(Validator, usize), String> {
    let mut failed = String::new();
    for limit in COMPILED {
        let patterns = PatternOptions::regex()
            .size_limit(limit)
            .dfa_size_limit(CACHE);
        let built = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(false)
            .with_pattern_options(patterns)
            .build(schema);
        match built {
            Ok(validator) => return Ok((validator, limit)),
            Err(error) => failed = format!("does not compile: {}", shorten(&error.to_string())),
        }
    }
    Err(failed)
}

impl PartialEq for SettingsSchema {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl std::fmt::Debug for SettingsSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.json.as_str())
    }
}

/// Somebody else's text, on one line and within bounds.
fn shorten(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(EXPLANATION)
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
