//! Text for a terminal that came from plugins, services or clients: none of it may reach the
//! terminal as anything but text.

use crate::text::is_active;

/// The text on one line, with whatever is not plain text spelled out.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => plain.push(' '),
            c if is_active(c) => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    plain
}

/// The same for JSON, which stays the same JSON.
pub(super) fn json_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Only between values: within a text JSON has them spelled out.
            '\n' | '\r' | '\t' => line.push(' '),
            c if is_active(c) => line.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => line.push(c),
        }
    }
    line
}

/// JSON on lines of its own, indented, with every name and value as it is written: reading and
/// writing it again would show other numbers than those that are sent.
pub(super) fn json_lines(json: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let (mut depth, mut text, mut escaped) = (0_usize, false, false);
    let mut before = ' ';
    for c in json_line(json).chars() {
        if text {
            line.push(c);
            text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        if c == ' ' {
            continue;
        }
        let closes_empty = matches!((before, c), ('{', '}') | ('[', ']'));
        if matches!(c, '}' | ']') {
            depth = depth.saturating_sub(1);
        }
        let breaks = matches!(before, '{' | '[' | ',') || matches!(c, '}' | ']');
        if breaks && !closes_empty {
            lines.push(std::mem::take(&mut line));
            line.push_str(&"  ".repeat(depth));
        }
        line.push(c);
        match c {
            '{' | '[' => depth = depth.saturating_add(1),
            ':' => line.push(' '),
            '"' => text = true,
            _ => {}
        }
        before = c;
    }
    lines.push(line);
    lines
}

/// At most this many characters.
pub(super) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ACTIVE: &str = "a\u{1b}[2Jb\r\nc\u{7f}\u{9b}d\u{202e}e\u{2067}";

    #[test]
    fn nothing_but_text_is_left() {
        let shown = plain(ACTIVE);
        assert!(!shown.chars().any(is_active), "{shown:?}");
        assert_eq!(shown, r"a\u{1b}[2Jb\r\nc\u{7f}\u{9b}d\u{202e}e\u{2067}");
        assert_eq!(plain("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"a": [ACTIVE, 1, {}], "b": {"c": "\"[{,:\\"}});
        for json in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let line = json_line(&json);
            assert!(!line.chars().any(is_active), "{line:?}");
            let lines = json_lines(&json);
            let joined = lines.join("\n");
            for text in [line, joined] {
                let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(read, value);
            }
        }
    }

    #[test]
    fn json_is_shown_as_it_is_written() {
        let lines =
            json_lines(r#"{"n":1.50,"big":12345678901234567890123,"e":[],"l":["x",{"y":1e400}]}"#);
        let expected = [
            "{",
            r#"  "n": 1.50,"#,
            r#"  "big": 12345678901234567890123,"#,
            r#"  "e": [],"#,
            r#"  "l": ["#,
            r#"    "x","#,
            "    {",
            r#"      "y": 1e400"#,
            "    }",
            "  ]",
            "}",
        ];
        assert_eq!(lines, expected);
        assert_eq!(json_lines("\"plain\""), ["\"plain\""]);
    }
}
