//! Where the configuration comes from: the file, and the variables laid over it.

use std::path::Path;

use anyhow::{Context, anyhow};
use serde::de::Error as _;
use toml::{Table, Value};

use super::Config;

pub(super) fn read_file(path: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read the configuration {}", path.display()))?;
    let wrong = || format!("the configuration {} is wrong", path.display());
    let table: Table = text
        .parse()
        .map_err(|error| misspelt(&text, &error))
        .with_context(wrong)?;
    let (_, unknown) = parse(table.clone())
        .map_err(|error| anyhow!("{}", unquoted(&error)))
        .with_context(wrong)?;
    match unknown.first() {
        Some(key) => Err(anyhow!("the key {key} is not known")).with_context(wrong),
        None => Ok(table),
    }
}

/// What is wrong with the file as TOML, and on which line. The library would show the line, and so
/// a secret.
fn misspelt(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let before = before.unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    // Within a text of several lines it is no key, but a part of the text.
    let is_text = |quotes: &str| before.matches(quotes).count() % 2 == 1;
    let key = if is_text("\"\"\"") || is_text("'''") {
        ""
    } else {
        key
    };
    let number = before.matches('\n').count().saturating_add(1);
    let place = format!("line {number} {key}");
    anyhow!("{}: {}", place.trim_end(), error.message())
}

/// What is wrong, without the text that is there, which may be a secret that is in the wrong place.
pub(super) fn unquoted(error: &toml::de::Error) -> String {
    let said = error.to_string();
    let text = said.find("string \"").zip(said.rfind("\", expected"));
    let around = text.and_then(|(begin, end)| said.get(..begin).zip(said.get(end..)?.get(1..)));
    match around {
        Some((before, after)) => format!("{before}a text{after}"),
        None => said,
    }
}

/// The configuration in a table, and the keys in it that mean nothing.
pub(super) fn parse(table: Table) -> Result<(Config, Vec<String>), toml::de::Error> {
    // Reading them would silently make texts of them.
    if let Some(key) = table.iter().find_map(|(key, value)| time(key, value)) {
        return Err(toml::de::Error::custom(format!(
            "the key {key} is a time, and no setting is one: put it in quotation marks"
        )));
    }
    let mut unknown = Vec::new();
    let config = serde_ignored::deserialize(table, |path| unknown.push(path.to_string()))?;
    Ok((config, unknown))
}

/// The key of the first time in a value.
fn time(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Datetime(_) => Some(key.to_owned()),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| time(&format!("{key}.{index}"), item))
        }
        Value::Table(fields) => {
            let mut fields = fields.iter();
            fields.find_map(|(name, field)| time(&format!("{key}.{name}"), field))
        }
        _ => None,
    }
}

/// Why a variable could not be laid over the rest.
pub(super) enum Overlay {
    /// There is no such key.
    Unknown,
    /// Its value does not fit.
    Wrong(toml::de::Error),
}

/// The table with one variable set. What the text is (a number, a text) follows from where it
/// goes: the reading that fits is taken.
pub(super) fn overlay(table: &Table, path: &str, text: &str) -> Result<Table, Overlay> {
    let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let literal = format!("x = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("x"));
    let readings = [Some(Value::String(text.to_owned())), literal];
    let mut outcome = Err(Overlay::Unknown);
    for reading in readings.into_iter().flatten() {
        let mut changed = table.clone();
        if !set(&mut changed, &keys, reading) {
            return Err(Overlay::Unknown);
        }
        match parse(changed.clone()) {
            Ok((_, unknown)) if unknown.is_empty() => return Ok(changed),
            Ok(_) => return Err(Overlay::Unknown),
            Err(error) => outcome = Err(Overlay::Wrong(error)),
        }
    }
    outcome
}

/// Sets the value at the end of a path, making the tables on the way.
fn set(table: &mut Table, keys: &[String], value: Value) -> bool {
    match keys {
        [] => false,
        [key] => {
            table.insert(key.clone(), value);
            true
        }
        // No header's name has an underscore, and no variable's a dash.
        [key, name] if key == "headers" => {
            let name = [name.replace('_', "-")];
            child(table, key).is_some_and(|headers| set(headers, &name, value))
        }
        [key, rest @ ..] => child(table, key).is_some_and(|child| set(child, rest, value)),
    }
}

fn child<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    table
        .entry(key.to_owned())
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
}
