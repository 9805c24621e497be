//! Asks a person for an approval, or says how to give it.

use std::io;

use serde_json::json;
use tokio::sync::oneshot;

use super::client::Client;
use super::text::json_lines;
use crate::output;
use crate::plan::{HeaderValue, Plan, Step, WaitingFor};
use crate::text::{json_line, plain};

/// The longest line that is read of a person, in bytes.
const LONGEST: u64 = 16 << 10;

/// The step whose approval is missing, if that is what the plan waits for.
pub(super) fn missing(plan: &Plan) -> Option<&Step> {
    let mut waiting = plan.waiting.iter();
    let waiting = waiting.find(|waiting| waiting.what == WaitingFor::Approval)?;
    plan.step(waiting.approve.first()?)
}

/// What is to be approved, line by line.
pub(super) fn shown(plan: &Plan, step: &Step) -> Vec<String> {
    let mut waiting = plan.waiting.iter();
    let reason = match &step.approval {
        Some(approval) => Some(&approval.reason),
        None => waiting
            .find(|waiting| waiting.step == step.id)
            .map(|waiting| &waiting.reason),
    };
    let mut lines = vec![format!(
        "{} ({}) asks a person to approve: {}",
        plain(&step.id),
        plain(&step.label),
        plain(reason.map_or("", String::as_str)),
    )];
    for (id, digest) in plan.would_approve(&step.id) {
        let Some(write) = plan.step(&id) else {
            continue;
        };
        lines.push(format!(
            "  then {} ({}) writes: {} {} to {}",
            plain(&write.id),
            plain(&write.label),
            write.method,
            plain(&write.endpoint),
            plain(&write.service),
        ));
        lines.push(format!("    digest {}", plain(&digest)));
        for (name, value) in write.headers.iter() {
            // No text comes out like a secret: a name is followed by a colon.
            let value = match value {
                HeaderValue::Text(text) => format!(": {}", plain(text)),
                HeaderValue::Secret { secret } => format!(" is the secret {}", plain(secret)),
            };
            lines.push(format!("    header {}{value}", plain(name)));
        }
        match (&write.payload, &write.payload_reason) {
            (Some(payload), _) => {
                let payload = json_lines(payload.as_str());
                lines.extend(payload.iter().map(|line| format!("    {line}")));
            }
            (None, Some(reason)) => {
                lines.push(format!("    not known yet: {}", plain(reason)));
            }
            (None, None) => lines.push("    nothing in its body".to_owned()),
        }
    }
    lines
}

/// How to approve it without a terminal, line by line.
pub(super) fn instructions(client: &Client, plan: &Plan, step: &Step) -> Vec<String> {
    let approve = json!({
        "planId": plan.id,
        "stepId": step.id,
        "approvedBy": "<your name>",
        "reviewed": plan.would_approve(&step.id),
    });
    let run = json!({"planId": plan.id});
    let curl = |path: &str, body: serde_json::Value| {
        // Within single quotes a shell reads everything as it is but the quote itself.
        let quoted = |text: String| text.replace('\'', r"'\''");
        format!(
            "  curl -s '{}' -H 'content-type: application/json' -d '{}'",
            quoted(plain(&client.url(path))),
            quoted(json_line(&body.to_string()))
        )
    };
    vec![
        "Approve it, and let it go on, with:".to_owned(),
        curl("/mesh/approve", approve),
        curl("/mesh/run", run),
    ]
}

/// What a person decided.
pub(super) enum Decision {
    /// To approve.
    Approve { by: String },
    /// To reject.
    Reject { by: String, reason: String },
    /// Nothing: there is nobody, or they want to decide later.
    Nothing,
}

/// Asks on the terminal; `name` is who decides, unless they are asked.
pub(super) async fn ask(name: Option<&str>) -> io::Result<Decision> {
    let approves = loop {
        let Some(answer) = prompt("approve? yes, no (the plan stops), later [y/n/L] ").await?
        else {
            return Ok(Decision::Nothing);
        };
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => break true,
            "n" | "no" => break false,
            "" | "l" | "later" => return Ok(Decision::Nothing),
            _ => {}
        }
    };
    let by = match name {
        Some(name) => name.to_owned(),
        None => {
            let usual = std::env::var("USER").unwrap_or_default();
            let shown = plain(&usual);
            match answered(&format!("your name [{shown}]: "), &usual).await? {
                Some(by) => by,
                None => return Ok(Decision::Nothing),
            }
        }
    };
    if approves {
        return Ok(Decision::Approve { by });
    }
    Ok(match answered("why not? ", "").await? {
        Some(reason) => Decision::Reject { by, reason },
        None => Decision::Nothing,
    })
}

/// An answer that is not empty; `None` at the end of the input.
async fn answered(question: &str, usual: &str) -> io::Result<Option<String>> {
    loop {
        let Some(answer) = prompt(question).await? else {
            return Ok(None);
        };
        let answer = answer.trim();
        let answer = if answer.is_empty() { usual } else { answer };
        if !answer.trim().is_empty() {
            return Ok(Some(answer.to_owned()));
        }
    }
}

/// A line of the terminal; `None` at its end.
async fn prompt(question: &str) -> io::Result<Option<String>> {
    output::print(question)?;
    let (sender, line) = oneshot::channel();
    // A thread of its own, for which the program does not wait when Ctrl-C ends it.
    std::thread::Builder::new().spawn(move || {
        // Nobody waits any more when the program is about to end.
        let _ = sender.send(read_line());
    })?;
    line.await.unwrap_or(Ok(None))
}

fn read_line() -> io::Result<Option<String>> {
    use io::{BufRead, Read};
    let mut line = Vec::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}
