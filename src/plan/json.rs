//! JSON that passes through unread.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How deep it may be nested. Readers with a limit of their own mostly have 128, and the plan
/// around it takes some of that.
const DEPTH: usize = 100;

/// Valid JSON, kept as the text it came as: payloads and results belong to the plugins, and the
/// host only carries them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Checks that `text` is JSON, and not nested too deeply for those who will read it.
    ///
    /// # Errors
    /// Where and why it is not.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        let json = RawValue::from_string(text)?;
        if depth(json.get()) > DEPTH {
            let message = format!("it is nested more than {DEPTH} levels deep");
            return Err(serde_json::Error::custom(message));
        }
        Ok(Self(json))
    }

    /// `null`.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether who carries so many bytes already may carry it as well.
    pub fn fits(&self, carried: usize, most: usize) -> bool {
        carried.saturating_add(self.as_str().len()) <= most
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// How deep valid JSON is nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => text = !text,
            _ if text => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(text: &str) -> bool {
        Json::parse(text.to_owned()).is_ok()
    }

    #[test]
    fn the_depth_is_limited() {
        let nested = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parses(&nested(DEPTH)));
        assert!(!parses(&nested(DEPTH + 1)));
        assert!(!parses(&nested(1 << 20)));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(DEPTH + 1), "}".repeat(DEPTH + 1));
        assert!(!parses(&objects));
    }

    #[test]
    fn what_is_beside_or_in_a_text_is_not_deep() {
        assert!(parses(&format!("[{}[]]", "[],".repeat(1_000))));
        assert!(parses(&format!(r#""\"{}""#, "[".repeat(1_000))));
        assert!(!parses(r#""a" b"#));
    }
}
