//! Verdicts that must not be believed.

use codex_mesh_sdk::log::{self, Level};
use codex_mesh_sdk::{Request, Response, RetryLater, Reviewed, Verdict};
use serde_json::json;

use crate::ask::{self, deep, text};

/// The verdict of this name, if it is one of these.
pub fn verdict(name: &str, argument: &str) -> Option<Verdict> {
    Some(match name {
        "call" | "call-once" => Verdict::Call(Request::post(argument, &json!({"again": true}))),
        "call-get" => Verdict::Call(Request::get(argument)),
        "result" => Verdict::Done(argument.to_owned()),
        "result-count" => Verdict::Done(json!(ask::count(argument)).to_string()),
        "reason-count" => Verdict::Failed(ask::count(argument).join(" ")),
        "blocked-count" => Verdict::Blocked(ask::count(argument).join(" ")),
        "retry-count" => Verdict::Retry(RetryLater {
            reason: ask::count(argument).join(" "),
            after_ms: None,
        }),
        "retry-number" => Verdict::Retry(RetryLater {
            reason: "busy".to_owned(),
            after_ms: format!("{argument}77").parse().ok(),
        }),
        "approval-count" => Verdict::NeedsApproval(Reviewed {
            result: "{}".to_owned(),
            reason: ask::count(argument).join(" "),
        }),
        "log-count" => {
            let numbers = ask::count(argument);
            numbers
                .iter()
                .for_each(|number| log::write(Level::Info, number));
            Verdict::Done("{}".to_owned())
        }
        "stdout-count" => {
            println!("{}", ask::count(argument).join(" "));
            Verdict::Done("{}".to_owned())
        }
        "panic-count" => panic!("{}", ask::count(argument).join(" ")),
        "result-deep" => Verdict::Done(deep()),
        // Fits into the guest's memory, and not into its output.
        "result-huge" => Verdict::Done(text(3 << 20)),
        // Does not even fit into its memory.
        "result-100mb" => Verdict::Done(text(100 << 20)),
        "blocked" => Verdict::Blocked(woe()),
        "failed" => Verdict::Failed(woe()),
        "retry" => Verdict::Retry(RetryLater {
            reason: woe(),
            after_ms: Some(u64::MAX),
        }),
        "approval" => Verdict::NeedsApproval(Reviewed {
            result: "{}".to_owned(),
            reason: woe(),
        }),
        "silent" => Verdict::Failed(String::new()),
        // Its request is judged like a shaped one.
        "ask" => {
            let (name, argument) = argument.split_once('=').unwrap_or((argument, ""));
            Verdict::Call(ask::request(name, argument)?.ok()?)
        }
        _ => return None,
    })
}

/// All that is known of an answer, in every place where it may be said. `\u` escapes are decoded.
pub fn everything(response: &Response) -> Verdict {
    let all = format!("{:?} {}", response.headers, response.body);
    log::write(Level::Warn, &all);
    println!("{all}");
    let decoded: Option<String> = serde_json::from_str(&response.body).ok();
    let result = json!({"all": all, "decoded": decoded}).to_string();
    match response.status {
        200 => Verdict::Done(result),
        202 => Verdict::NeedsApproval(Reviewed {
            result,
            reason: all,
        }),
        503 => Verdict::Retry(RetryLater {
            reason: all,
            after_ms: None,
        }),
        403 => Verdict::Blocked(all),
        _ => Verdict::Failed(all),
    }
}

fn woe() -> String {
    format!("woe\u{1b}[31m {}", "is me ".repeat(100_000))
}
