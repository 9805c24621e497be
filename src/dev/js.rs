//! What JavaScript makes of a value: the services are written in it, and what they answer to odd
//! requests follows from it.

use serde_json::Value;

/// Whether `if (value)` is taken. Most services ask no more of a field they require.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// `a === b`: two lists or objects are never the same one.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(_) | Value::Object(_), _) => false,
        _ => a == b,
    }
}

/// `value.length` of a list or a text; nothing else that JSON can say has one by itself.
pub(super) fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::String(text) => Some(text_length(text)),
        _ => None,
    }
}

/// `text.length`, which counts UTF-16 units.
pub(super) fn text_length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `text.trim()`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// What `\s` matches.
pub(super) fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

/// The value inside a text, or as the key of an object.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(set) => set.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::Null => String::new(),
                other => text(other),
            };
            items.iter().map(item).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_javascript_makes_of_them() {
        for falsy in [json!(null), json!(false), json!(0), json!(-0.0), json!("")] {
            assert!(!truthy(&falsy), "{falsy}");
        }
        for set in [json!("0"), json!([]), json!({}), json!(-1)] {
            assert!(truthy(&set), "{set}");
        }
        assert!(same(&json!(1), &json!(1.0)) && same(&json!("a"), &json!("a")));
        assert!(!same(&json!([]), &json!([])) && !same(&json!("1"), &json!(1)));
        assert_eq!(text_length("a😀"), 3);
        assert_eq!(trim("\u{feff} a\u{85}\n"), "a\u{85}");
        let odd = json!([null, 1.0, "b", [true, {}]]);
        assert_eq!(text(&odd), ",1,b,true,[object Object]");
    }
}
