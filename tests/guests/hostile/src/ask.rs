//! Requests that must not be sent.

use codex_mesh_sdk::{Header, HeaderValue, Method, Request};
use serde_json::json;

use crate::usual;

/// The request of this name, if it is one of these.
pub fn request(name: &str, argument: &str) -> Option<Result<Request, String>> {
    let request = match name {
        "path" => Request::get(argument),
        "post" => Request::post(argument, &json!({"written": true})),
        "delete" => Request {
            method: Method::Delete,
            ..usual()
        },
        "body" => body(argument),
        "write-body" => Request {
            path: "/srl/write".to_owned(),
            ..body(argument)
        },
        "body-count" => body(&json!(count(argument)).to_string()),
        "write-count" => Request {
            path: "/srl/write".to_owned(),
            ..body(&json!(count(argument)).to_string())
        },
        "path-count" => Request::get(&format!("/srl/check?{}", count(argument).join("&"))),
        "header-count" => headers(vec![header(
            "accept",
            HeaderValue::Text(count(argument).join(",")),
        )]),
        "escaped-count" => {
            let escaped =
                |number: &String| format!("\"\\u00{:x}{}\"", number.as_bytes()[0], &number[1..]);
            let numbers: Vec<String> = count(argument).iter().map(escaped).collect();
            body(&format!("[{}]", numbers.join(",")))
        }
        "number-count" => body(&format!("[{}e-1]", count(argument).join("0e-1,"))),
        "encoded-count" => {
            let encoded = |number: &String| format!("%{:x}{}", number.as_bytes()[0], &number[1..]);
            let numbers: Vec<String> = count(argument).iter().map(encoded).collect();
            Request::get(&format!("/srl/check?{}", numbers.join("&")))
        }
        "refuse-count" => return Some(Err(count(argument).join(" "))),
        "body-deep" => body(&deep()),
        "body-long" => body(&text(200_000)),
        "body-huge" => body(&text(3 << 20)),
        "header" => {
            let (name, value) = argument.split_once(": ").unwrap_or((argument, ""));
            headers(vec![header(name, HeaderValue::Text(value.to_owned()))])
        }
        "secret" => {
            let secret = HeaderValue::Secret(argument.to_owned());
            headers(vec![header("authorization", secret)])
        }
        "write-secret" => {
            let secret = HeaderValue::Secret(argument.to_owned());
            Request {
                path: "/srl/write".to_owned(),
                ..headers(vec![header("x-token", secret)])
            }
        }
        "headers" => {
            let count: usize = argument.parse().unwrap_or(0);
            let text = || HeaderValue::Text(String::new());
            headers(
                (0..count)
                    .map(|n| header(&format!("x-{n}"), text()))
                    .collect(),
            )
        }
        "refuse" => return Some(Err(format!("{}\u{1b}", "no ".repeat(300_000)))),
        _ => return None,
    };
    Some(Ok(request))
}

/// The hundred numbers that begin like this: among them may be one that it was never told.
pub fn count(beginning: &str) -> Vec<String> {
    (0..100).map(|end| format!("{beginning}{end:02}")).collect()
}

/// JSON that a recursive reader can't read.
pub fn deep() -> String {
    format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))
}

/// A JSON text of this length, made without a copy: it must fit into memory.
pub fn text(length: usize) -> String {
    let mut text = String::with_capacity(length);
    text.push('"');
    text.extend(std::iter::repeat_n('x', length - 2));
    text.push('"');
    text
}

fn body(text: &str) -> Request {
    Request {
        body: Some(text.to_owned()),
        ..usual()
    }
}

fn headers(headers: Vec<Header>) -> Request {
    Request { headers, ..usual() }
}

fn header(name: &str, value: HeaderValue) -> Header {
    Header {
        name: name.to_owned(),
        value,
    }
}
