//! JSON that passes through unread.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Valid JSON, kept as the text it came as: payloads and results belong to the plugins, and the
/// host only carries them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Checks that `text` is JSON.
    ///
    /// # Errors
    /// Where and why it is not.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
