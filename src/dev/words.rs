//! What a text is about, as far as its words tell: how strategy and trends choose what comes first.

/// How many words of a text are looked at.
const MOST: usize = 50;
/// Shorter words say nothing about what a text is for.
const SHORTEST: usize = 4;

/// The words of a text that say something, in lower case.
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() >= SHORTEST)
            .take(MOST)
            .map(str::to_owned);
        Self(words.collect())
    }

    /// How many of them occur in another text.
    pub(super) fn shared(&self, text: &str) -> usize {
        let text = text.to_lowercase();
        self.0
            .iter()
            .filter(|word| text.contains(word.as_str()))
            .count()
    }
}
