//! Text for a person at a terminal.

use crate::text::json_line;

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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_json() {
        let value =
            serde_json::json!({"a": ["\u{1b}[2J\u{202e}\u{e0001}", 1, {}], "b": "\"[{,:\\"});
        for json in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let joined = json_lines(&json).join("\n");
            let read: serde_json::Value = serde_json::from_str(&joined).unwrap();
            assert_eq!(read, value);
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
