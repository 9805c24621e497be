//! Parts of a request that name another method than it has. Some services, and proxies before them,
//! take `?_method=DELETE` or `{"_method": "DELETE"}` for the method: what was judged would be
//! another request. Such a request is refused, whatever it would do.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use thiserror::Error;

use super::path;

/// Values of a parameter that is called `method` which make it one.
const METHODS: [&str; 25] = [
    "acl",
    "bind",
    "checkout",
    "connect",
    "copy",
    "delete",
    "destroy",
    "link",
    "lock",
    "merge",
    "mkcol",
    "move",
    "patch",
    "post",
    "proppatch",
    "purge",
    "put",
    "rebind",
    "remove",
    "trace",
    "unbind",
    "unlink",
    "unlock",
    "update",
    "write",
];

/// What is between parameters, of a query and of segments.
const BETWEEN: [char; 4] = ['?', '&', ';', '/'];

/// Something names another method.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} in it names a method, which some services take for the request's own: leave it out")]
pub struct NamesMethod(String);

/// Checks the query of a path, and the parameters of its segments.
///
/// # Errors
/// The first parameter that names a method.
pub(super) fn check_parameters(path: &str) -> Result<(), NamesMethod> {
    // Decoded as well: there are proxies before services, and both may decode.
    let decoded = path::decode_bytes(path);
    let parameters = path.split(BETWEEN).chain(decoded.split(BETWEEN));
    for parameter in parameters {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let (name, value) = (path::decode_bytes(name), path::decode_bytes(value));
        if names_method(&name) || (is_called_method(&name) && is_method(&value)) {
            return Err(NamesMethod(name));
        }
    }
    Ok(())
}

/// Checks the members of a JSON object, which a service that takes forms as well may read as
/// parameters.
///
/// # Errors
/// The first member that names a method.
pub fn check_body(json: &str) -> Result<(), NamesMethod> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // What is no object has no members; of one that can't be read to its end, nobody else reads more.
    match deserializer.deserialize_any(Members) {
        Ok(Some(name)) => Err(NamesMethod(name)),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Looks for a member that names a method.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some((name, IgnoredAny)) = members.next_entry::<String, _>()? {
            if found.is_none() && names_method(&name) {
                found = Some(name);
            }
        }
        Ok(found)
    }
}

/// Whether a name stands for the method, whatever its value is: `_method`, `X-HTTP-Method-Override`,
/// and what is read like one of them.
fn names_method(name: &str) -> bool {
    let letters = letters(name);
    let is_one = |word: &str| {
        let is_marked = !name.trim().starts_with(|c: char| c.is_ascii_alphanumeric());
        letters.contains(word)
            && (is_marked
                || name.to_ascii_lowercase().contains(&format!("[_{word}"))
                || letters.contains("http")
                || letters.contains("override"))
    };
    is_one("method") || is_one("verb")
}

fn is_called_method(name: &str) -> bool {
    let letters = letters(name);
    letters.ends_with("method") || letters.ends_with("verb")
}

fn is_method(value: &str) -> bool {
    METHODS.contains(&letters(value).as_str())
}

/// The letters and digits of it, small, those of full width as well.
fn letters(text: &str) -> String {
    let narrow = |c: char| match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let letters = text.chars().map(narrow).filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_names_a_method_is_found() {
        for path in [
            "/a?_method=DELETE",
            "/a?x=1&_method=delete",
            "/a?x=1;_method=PUT",
            "/a?%5Fmethod=DELETE",
            "/a?%255fmethod=DELETE",
            "/a?_METHOD=DELETE",
            "/a?_method[]=DELETE",
            "/a?a[_method]=DELETE",
            "/a?+_method=DELETE",
            "/a?%20_method=DELETE",
            "/a?.method=DELETE",
            "/a?X-HTTP-Method-Override=DELETE",
            "/a?x_http_method=x",
            "/a?httpMethod=DELETE",
            "/a?method_override=x",
            "/a?method=DELETE",
            "/a?method=%44elete",
            "/a?requestMethod=put",
            "/a?verb=purge",
            "/a;_method=DELETE",
            "/a/_method=DELETE/b",
            "/a?x?_method=DELETE",
            "/a?_%EF%BD%8Dethod=DELETE",
            "/a?%EF%BC%BFmethod=DELETE",
            "/a?method%00=DELETE",
            "/a?_method%3DDELETE",
            "/a?b=c%26_method=DELETE",
            "/a?b=c%2526_method%253dDELETE",
        ] {
            assert!(check_parameters(path).is_err(), "{path}");
        }
        for path in [
            "/a",
            "/a?b=c",
            "/a?method=linear",
            "/a?method=get",
            "/_method",
            "/a?methods=put,get",
            "/a?verbose=1",
            "/a?paymentMethod=card",
            "/a?q=_method",
            "/method/delete",
        ] {
            assert_eq!(check_parameters(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn a_member_that_names_a_method_is_found() {
        for body in [
            r#"{"_method": "DELETE"}"#,
            r#"{"a": 1, "\u005fmethod": "DELETE", "_method": "GET"}"#,
            r#"{"a": {"b": []}, "X-HTTP-Method-Override": ["DELETE"]}"#,
            r#"{"_METHOD": null}"#,
            r#"{"_ｍethod": "DELETE"}"#,
            r#"{" _method": "DELETE"}"#,
        ] {
            assert!(check_body(body).is_err(), "{body}");
        }
        for body in [
            "{}",
            "[]",
            "1",
            r#""_method""#,
            r#"{"method": "DELETE"}"#,
            r#"{"a": {"_method": 1}}"#,
            r#"["_method"]"#,
            r#"{"a": "_method"}"#,
            r#"[1e999,"\ud800"]"#,
        ] {
            assert_eq!(check_body(body), Ok(()), "{body}");
        }
    }
}
