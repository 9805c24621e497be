//! What an answer of Brain says of an event: that it is taken, that it is wrong, or nothing.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::services::{Answer, CallError};

/// How much of an answer is told, in characters.
const TOLD: usize = 300;

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Brain has it.
    Taken,
    /// Brain will not have this one, and says why.
    Rejected(String),
    /// Brain is in trouble, or is not who answered: nothing is known of the event.
    Unknown(Trouble),
}

/// Why nothing is delivered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// For the operator.
    pub(super) why: String,
    /// How long Brain asked to be left alone.
    pub(super) left_alone: Option<Duration>,
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self {
            why,
            left_alone: None,
        }
    }
}

/// `{ok: true, record}`, of which the first is enough.
#[derive(Deserialize)]
struct Taken {
    ok: bool,
}

/// What an answer with this status says.
pub(super) fn fate(status: u16, answer: Result<Answer, CallError>) -> Fate {
    let why = |said: &str| match &answer {
        Ok(answer) => {
            let body: String = answer.body.chars().take(TOLD).collect();
            format!("brain answered {status}{said}: {body}")
        }
        Err(error) => error.to_string(),
    };
    match status {
        200..300 if is_taken(&answer) => Fate::Taken,
        // A page of a proxy, or another service at the address of Brain.
        // Or nobody can read it: the event may be there twice then, but it is not lost.
        200..300 => Fate::Unknown(why(", but not that it has the event").into()),
        // What is wrong with this event: its form, its size, its type, its content (RFC 9110, section
        // 15.5). Every other refusal, such as of a token that is over, would be one of any event.
        // Brain says so in JSON; a page of a proxy is about the connection.
        400 | 413 | 415 | 422 if is_brains(&answer) => Fate::Rejected(why("")),
        _ => Fate::Unknown(Trouble {
            left_alone: answer.as_ref().ok().and_then(Answer::retry_after),
            why: why(""),
        }),
    }
}

fn is_brains(answer: &Result<Answer, CallError>) -> bool {
    let body = answer.as_ref().map_or("", |answer| answer.body.as_str());
    serde_json::from_str::<Map<String, Value>>(body).is_ok()
}

fn is_taken(answer: &Result<Answer, CallError>) -> bool {
    let body = answer.as_ref().map_or("", |answer| answer.body.as_str());
    serde_json::from_str(body).is_ok_and(|Taken { ok }| ok)
}
