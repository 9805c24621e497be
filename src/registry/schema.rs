//! The JSON Schema of a kind's settings. It is a plugin's, so it is not trusted: what could fetch
//! something, run in circles or take exponential time is refused when the plugin is loaded, and
//! what remains costs at most the schema's parts times the settings' values.

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::plan::Json;

/// The largest schema, in bytes.
const BYTES: usize = 64 << 10;

/// Keywords, names and values of a schema, annotations aside.
const PARTS: usize = 2_000;

/// How deep schemas may be nested in one another.
const DEPTH: usize = 16;

/// Patterns of a schema, the length of one in bytes, and what one may take compiled.
const PATTERNS: usize = 20;
const PATTERN: usize = 256;
const COMPILED: usize = 1 << 20;

/// The one dialect there is.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Up to how many parts times values it is found out what is wrong: the explanation of an `anyOf`
/// has one of each branch for each value.
const EXPLAINED: usize = 100_000;

/// The longest explanation, in characters.
const EXPLANATION: usize = 300;

/// A kind's settings: what they may be.
#[derive(Clone)]
pub struct SettingsSchema {
    json: Json,
    validator: Arc<Validator>,
    parts: usize,
    /// The settings' names, where the schema allows no other.
    names: Option<Vec<String>>,
}

/// What a keyword of the dialect holds.
enum Holds {
    /// What people read; it decides nothing.
    Annotation,
    /// A rule.
    Rule,
    /// One schema, several, or several by name.
    Schema,
    Schemas,
    Named,
}

fn holds(keyword: &str) -> Option<Holds> {
    Some(match keyword {
        "$schema" | "$comment" | "title" | "description" | "default" | "examples"
        | "deprecated" | "readOnly" | "writeOnly" | "format" => Holds::Annotation,
        "type" | "enum" | "const" | "multipleOf" | "maximum" | "exclusiveMaximum" | "minimum"
        | "exclusiveMinimum" | "maxLength" | "minLength" | "pattern" | "maxItems" | "minItems"
        | "uniqueItems" | "maxContains" | "minContains" | "maxProperties" | "minProperties"
        | "required" | "dependentRequired" => Holds::Rule,
        "additionalProperties"
        | "propertyNames"
        | "items"
        | "contains"
        | "not"
        | "if"
        | "then"
        | "else" => Holds::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::Schemas,
        "properties" | "patternProperties" | "dependentSchemas" => Holds::Named,
        _ => return None,
    })
}

/// What is counted while a schema is read.
#[derive(Default)]
struct Survey {
    parts: usize,
    patterns: usize,
}

impl SettingsSchema {
    /// Checks and compiles a schema, as the contract documents it.
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
        let patterns = PatternOptions::regex()
            .size_limit(COMPILED)
            .dfa_size_limit(COMPILED);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(false)
            .with_pattern_options(patterns)
            .build(&value)
            .map_err(|error| format!("does not compile: {}", shorten(&error.to_string())))?;
        Ok(Self {
            parts: survey.parts,
            names: names(fields),
            json,
            validator: Arc::new(validator),
        })
    }

    /// The schema itself.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Checks settings.
    ///
    /// # Errors
    /// Where in them what is wrong, and what is allowed, to follow "settings".
    pub fn check(&self, settings: &Value) -> Result<(), String> {
        if self.validator.is_valid(settings) {
            return Ok(());
        }
        if self.parts.saturating_mul(values(settings)) > EXPLAINED {
            return Err(" do not fit the schema of their kind".to_owned());
        }
        let Err(error) = self.validator.validate(settings) else {
            return Ok(());
        };
        let mut said = error.to_string();
        if said.chars().count() > EXPLANATION {
            // What is allowed comes after the value, and matters more.
            said = error.masked().to_string();
        }
        let place = match error.instance_path().as_str() {
            "" => String::new(),
            pointer => format!(" at {}", shorten(pointer)),
        };
        let names = match &self.names {
            None => String::new(),
            Some(names) if names.is_empty() => " (this kind has no settings)".to_owned(),
            Some(names) => format!(" (the settings are {})", shorten(&names.join(", "))),
        };
        Err(format!("{place}: {}{names}", shorten(&said)))
    }
}

/// How many values there are in this one, itself included.
fn values(value: &Value) -> usize {
    let inside: usize = match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(fields) => fields.values().map(values).sum(),
        _ => 0,
    };
    inside.saturating_add(1)
}

/// The names of the settings, if there may be no others.
fn names(schema: &Map<String, Value>) -> Option<Vec<String>> {
    if schema.get("additionalProperties") != Some(&Value::Bool(false))
        || schema.contains_key("patternProperties")
    {
        return None;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    Some(properties.map_or_else(Vec::new, |names| names.keys().cloned().collect()))
}

impl Survey {
    fn schema(&mut self, schema: &Value, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("is nested more than {DEPTH} schemas deep"));
        }
        self.part()?;
        let Value::Object(fields) = schema else {
            // Whether it is one of the other forms of a schema, the compiler says.
            return Ok(());
        };
        for (keyword, value) in fields {
            self.keyword(keyword, value, depth)?;
        }
        Ok(())
    }

    fn keyword(&mut self, keyword: &str, value: &Value, depth: usize) -> Result<(), String> {
        let Some(holds) = holds(keyword) else {
            return Err(format!(
                "has the keyword {:?}, which is not one of those that settings may use",
                shorten(keyword)
            ));
        };
        match (keyword, value) {
            ("$schema", dialect) if dialect != DIALECT => {
                return Err(format!("has another $schema than {DIALECT}"));
            }
            ("pattern", Value::String(pattern)) => self.pattern(pattern)?,
            ("patternProperties", Value::Object(patterns)) => {
                for pattern in patterns.keys() {
                    self.pattern(pattern)?;
                }
            }
            _ => {}
        }
        match (holds, value) {
            (Holds::Annotation, _) => Ok(()),
            (Holds::Schema, schema) => self.schema(schema, depth + 1),
            (Holds::Schemas, Value::Array(schemas)) => schemas
                .iter()
                .try_for_each(|schema| self.schema(schema, depth + 1)),
            (Holds::Named, Value::Object(schemas)) => schemas
                .values()
                .try_for_each(|schema| self.schema(schema, depth + 1)),
            (Holds::Rule | Holds::Schemas | Holds::Named, rule) => self.rule(rule),
        }
    }

    /// Every value in a rule counts.
    fn rule(&mut self, value: &Value) -> Result<(), String> {
        self.part()?;
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.rule(item)),
            Value::Object(fields) => fields.values().try_for_each(|field| self.rule(field)),
            _ => Ok(()),
        }
    }

    fn part(&mut self) -> Result<(), String> {
        self.parts += 1;
        if self.parts > PARTS {
            return Err(format!("has more than {PARTS} parts"));
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), String> {
        self.patterns += 1;
        if self.patterns > PATTERNS {
            return Err(format!("has more than {PATTERNS} patterns"));
        }
        if pattern.len() > PATTERN {
            return Err(format!("has a pattern of more than {PATTERN} bytes"));
        }
        Ok(())
    }
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
