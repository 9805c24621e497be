//! Reads a settings schema before it is compiled: what it has of everything, and that it has nothing
//! that could fetch, run in circles or take exponential time.

use serde_json::Value;

use super::shorten;

/// Keywords, names and values of a schema, annotations aside.
pub(super) const PARTS: usize = 2_000;

/// How deep schemas may be nested in one another.
pub(super) const DEPTH: usize = 16;

/// Patterns of a schema, and the length of one in bytes.
pub(super) const PATTERNS: usize = 20;
pub(super) const PATTERN: usize = 256;

/// The one dialect there is.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

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
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Survey {
    pub(super) parts: usize,
    pub(super) patterns: usize,
    /// How often `multipleOf` is there.
    pub(super) divisions: usize,
}

impl Survey {
    /// Counts a schema and all that is in it.
    ///
    /// # Errors
    /// The first thing that is too much or may not be used.
    pub(super) fn schema(&mut self, schema: &Value, depth: usize) -> Result<(), String> {
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
            ("multipleOf", _) => self.divisions += 1,
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
