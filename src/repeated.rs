//! Names that an object in JSON has twice: readers differ in which of the two counts.
//! It looks at the text and needs no valid JSON, since what reads it later may take more than one
//! reader here would: numbers of any size, half a surrogate, any depth.

use std::borrow::Cow;
use std::collections::HashSet;

/// A first name that an object in this text has twice, also if it is written in two ways.
pub(crate) fn repeated(json: &str) -> Option<String> {
    let mut seen: HashSet<(usize, Cow<'_, [u8]>)> = HashSet::new();
    // What is open: an object by its number, or a list.
    let mut open: Vec<Option<usize>> = Vec::new();
    let (mut objects, mut rest) = (0, json.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'{' => {
                objects += 1;
                open.push(Some(objects));
            }
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let (text, after) = text(rest);
                rest = after;
                let is_name = rest.trim_ascii_start().starts_with(b":");
                if let (true, Some(Some(object))) = (is_name, open.last()) {
                    let name = unescaped(text);
                    if seen.contains(&(*object, name.clone())) {
                        return Some(String::from_utf8_lossy(&name).into_owned());
                    }
                    seen.insert((*object, name));
                }
            }
            _ => {}
        }
    }
    None
}

/// The text up to its closing quotation mark, and what is behind that.
fn text(json: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = json.iter().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => *byte == b'"',
    });
    let (text, rest) = json.split_at(end.unwrap_or(json.len()));
    (text, rest.get(1..).unwrap_or_default())
}

/// A text as it is meant. Half a surrogate is written as if it were a character.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut meant = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            meant.push(*first);
            continue;
        }
        let Some((escape, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match escape {
            b'b' => meant.push(8),
            b'f' => meant.push(12),
            b'n' => meant.push(b'\n'),
            b'r' => meant.push(b'\r'),
            b't' => meant.push(b'\t'),
            b'u' => {
                let (code, after) = character(rest);
                rest = after;
                push(code, &mut meant);
            }
            itself => meant.push(*itself),
        }
    }
    Cow::Owned(meant)
}

/// The character behind `\u`, of one part or of two, and what is behind it.
fn character(text: &[u8]) -> (u32, &[u8]) {
    let (code, rest) = unit(text);
    if (0xd800..0xdc00).contains(&code)
        && let Some(second) = rest.strip_prefix(b"\\u")
        && let (low @ 0xdc00..0xe000, rest) = unit(second)
    {
        return (0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00), rest);
    }
    (code, rest)
}

/// Up to four hexadecimal digits.
fn unit(text: &[u8]) -> (u32, &[u8]) {
    let digits = text.iter().take(4);
    let digits = digits.map_while(|byte| char::from(*byte).to_digit(16));
    let (code, length) = digits.fold((0, 0), |(code, length), digit| {
        (code * 16 + digit, length + 1)
    });
    (code, text.get(length..).unwrap_or_default())
}

fn push(code: u32, to: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(character) => to.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        // Half a surrogate is no character, and must not be taken for another.
        None => to.extend([&[0xff][..], &code.to_be_bytes()].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_twice_is_found() {
        let name = "allowExecution";
        for text in [
            r#"{"allowExecution":false,"allowExecution":true}"#,
            r#"{"allowExecution":false,"x":1,"allow\u0045xecution":true}"#,
            r#"{"allow\u0045xecution":false,"x":{},"\u0061llowExecution" : true}"#,
            r#"{"a":[{"b":{"allowExecution":1,"c":[],"allowExecution":1}}]}"#,
            r#"{"a":[1,2,{"x":"\"{"},{"allowExecution":[{}],"allowExecution":2}]}"#,
            // What some readers take, and others don't.
            r#"{"x":"\ud800","allowExecution":1e999,"allowExecution":NaN}"#,
            r#"{"allowExecution":0,"allowExecution":1,"#,
        ] {
            assert_eq!(repeated(text).as_deref(), Some(name), "{text}");
        }
        let deep = "[".repeat(1 << 20) + r#"{"allowExecution":1,"allowExecution":2}"#;
        assert_eq!(repeated(&deep).as_deref(), Some(name));
        assert_eq!(
            repeated(r#"{"\ud83d\ude00":1,"😀":2}"#).as_deref(),
            Some("😀")
        );
        assert_eq!(repeated(r#"{"":1,"":2}"#).as_deref(), Some(""));
        assert!(repeated(r#"{"\ud800":1,"\uD800":2}"#).is_some());
    }

    #[test]
    fn what_is_there_once_or_elsewhere_is_not() {
        for text in [
            "",
            "null",
            r#"{"a":1,"A":2,"a ":3,"b":"a","c":["a","a"]}"#,
            r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#,
            r#"[{"a":1},{"a":1}]"#,
            r#"{"a":"\"a\":1,\"a\":2"}"#,
            r#"{"a\\":1,"a\"":2,"a":3}"#,
            r#"{"\ud800":1,"\ud801":2,"\ufffd":3}"#,
            r#"{"a":1}{"a":2}"#,
            r#"{"u":1,"\"#,
            r#"{"\u"#,
        ] {
            assert_eq!(repeated(text), None, "{text}");
        }
    }
}
