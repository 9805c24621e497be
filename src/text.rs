//! Text that came from elsewhere: goals, plugins, files, services. None of it may reach a terminal or
//! a log as anything but text that is seen.

/// Whether a character is not read but does something, or is there without being seen: to a terminal,
/// to the order in which text is read, or to who compares two texts that look alike. These are the
/// controls, what Unicode calls default-ignorable, what steers direction or separates lines, and
/// the blanks that count as letters.
pub(crate) fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The text on one line, with whatever is not plain text spelled out.
pub(crate) fn plain(text: &str) -> String {
    spelled_out(text, |c| match c {
        '\t' => Some(" ".to_owned()),
        c => is_active(c).then(|| c.escape_default().to_string()),
    })
}

/// The same of a text that may have lines.
pub(crate) fn plain_lines(text: &str) -> String {
    spelled_out(text, |c| {
        (is_active(c) && c != '\n').then(|| c.escape_default().to_string())
    })
}

/// The same for JSON, which stays the same JSON, on one line.
pub(crate) fn json_line(json: &str) -> String {
    spelled_out(json, |c| match c {
        // Only between values: within a text JSON has them spelled out.
        '\n' | '\r' | '\t' => Some(" ".to_owned()),
        c => is_active(c).then(|| json_escape(c)),
    })
}

/// A character as JSON escapes it: beyond the first plane as two halves.
fn json_escape(c: char) -> String {
    let mut halves = [0; 2];
    let halves = c.encode_utf16(&mut halves).iter();
    halves.map(|half| format!("\\u{half:04x}")).collect()
}

/// The text with another in place of each character for which there is one.
fn spelled_out(text: &str, spelled: impl Fn(char) -> Option<String>) -> String {
    // Mostly there is nothing to do.
    if !text.contains(is_active) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match spelled(c) {
            Some(other) => out.push_str(&other),
            None => out.push(c),
        }
    }
    out
}

/// At most this many characters.
pub(crate) fn shorten(text: &str, most: usize) -> String {
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

    /// One of each kind.
    const UNSEEN: [char; 24] = [
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200f}',
        '\u{2028}',
        '\u{202a}',
        '\u{2060}',
        '\u{2064}',
        '\u{2066}',
        '\u{2069}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff9}',
        '\u{e0001}',
        '\u{e01ef}',
    ];

    #[test]
    fn nothing_but_text_is_left() {
        let shown = plain(ACTIVE);
        assert!(!shown.contains(is_active), "{shown:?}");
        assert_eq!(shown, r"a\u{1b}[2Jb\r\nc\u{7f}\u{9b}d\u{202e}e\u{2067}");
        for text in ["Grüße, 世界 🎉", "שלום", "กำลัง", "e\u{301}"] {
            assert_eq!(plain(text), text);
        }
        assert_eq!(plain_lines("a\tb\nc\u{1b}"), "a\\tb\nc\\u{1b}");
    }

    #[test]
    fn what_is_not_seen_is_spelled_out() {
        for c in UNSEEN {
            let shown = format!("a\\u{{{:x}}}b", u32::from(c));
            assert_eq!(plain(&format!("a{c}b")), shown);
            assert_eq!(plain_lines(&format!("a{c}b")), shown);
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let unseen: String = UNSEEN.iter().collect();
        let value = serde_json::json!({"a": [ACTIVE, unseen, 1, {}], "b": {"c": "\"[{,:\\"}});
        for json in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let line = json_line(&json);
            assert!(!line.contains(is_active), "{line:?}");
            let read: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(read, value);
        }
    }
}
