//! No name goes unnoticed that means nothing: of `{"Mode": "DRY_RUN"}` a LIVE plan would be made.

use std::collections::HashSet;

use super::error::HttpError;
use crate::config::UnknownFields;
use crate::names::{misspelt, nearest};
use crate::text::{plain, shorten};

/// The longest part of a name that is shown, in characters.
const SHOWN: usize = 64;

/// Where names stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Body,
    Query,
}

impl Place {
    /// What its names are names of.
    fn holds(self) -> &'static str {
        match self {
            Self::Body => "fields",
            Self::Query => "parameters",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Body => "the body",
            Self::Query => "the query",
        }
    }
}

/// Refuses names that come twice, and those that are none of the known ones. Where unknown ones are
/// ignored, what is likely a misspelt known one is refused all the same.
pub(super) fn check<'a>(
    names: impl Iterator<Item = &'a str>,
    known: &[&str],
    place: Place,
    unknown: UnknownFields,
) -> Result<(), HttpError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(twice(name, place));
        }
        if known.contains(&name) {
            continue;
        }
        if unknown == UnknownFields::Ignore && misspelt(name, known).is_none() {
            continue;
        }
        return Err(not_known(name, known, place));
    }
    Ok(())
}

/// The refusal of a name that comes twice: readers differ in which of the two counts.
pub(super) fn twice(name: &str, place: Place) -> HttpError {
    let (name, place) = (shown(name), place.name());
    HttpError::bad(format!(
        "{name} is given twice in {place}: give it once, as nobody knows which of the two counts"
    ))
}

fn not_known(name: &str, known: &[&str], place: Place) -> HttpError {
    let meant =
        nearest(name, known).map_or_else(String::new, |known| format!("did you mean {known}? "));
    let holds = place.holds();
    let all = match (known, place) {
        ([], Place::Query) => {
            "this request takes no parameters; what it takes is in its body".to_owned()
        }
        ([], Place::Body) => "this request takes no fields, only {}".to_owned(),
        (known, _) => format!("the {holds} are {}", known.join(", ")),
    };
    HttpError::bad(format!("{} is not known: {meant}{all}", shown(name)))
}

fn shown(name: &str) -> String {
    match name.trim() {
        "" => "a name that is empty".to_owned(),
        _ => plain(&shorten(name, SHOWN)),
    }
}
