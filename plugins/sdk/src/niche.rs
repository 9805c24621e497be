//! The niche of a step: two or three words for services that put them into phrases of their own, as
//! trends does with each of its topics. A whole goal in such a phrase means nothing.

use serde_json::{Value, json};

use crate::Context;

const NICHE: &str = "niche";

/// The longest niche that can be set, in characters.
const LONGEST: usize = 120;

/// How many words of a goal make its niche.
const WORDS: usize = 3;

/// The longest word of a niche, in characters; and of a script that writes no spaces, in which a
/// sentence looks like a word.
const LONGEST_WORD: usize = 24;
const LONGEST_UNSPACED: usize = 8;

/// Words that say how, when or where something is done, and not what it is about; by language.
const EMPTY: [&str; 4] = [
    // English
    "a about across again all an and any are as at be by can do each every few for from get \
     go have how i if in into is it its let make many me more most multiple my new next no \
     not now of off on one or our out over own please several so some than that the their \
     them then these they this those to two three up us use using via want we what when where \
     which who will with without you your add build create delete design develop execute find \
     grow improve increase launch manage modify open optimize plan post prepare promote \
     publish run schedule sell set start test try update write daily day days hour hours \
     minute minutes month months monthly today tomorrow week weekly weeks year years",
    // German
    "am auf aus bei das dem den der des die ein eine einem einen einer für im ist mit nach \
     oder und vom von wir woche zu zum zur über",
    // French
    "au aux avec ce dans de du en est et la le les ou par pour semaine sur un une",
    // Spanish, Portuguese, Italian
    "al com como con da del della di dos e el em il las lo los na o para per por que semana \
     sobre su um uma una y",
];

/// A service is asked for these by name.
const PLATFORMS: &str = "facebook google instagram reels shorts tiktok twitter youtube";

impl Context {
    /// The niche of this step: its setting of that name, else two or three words from its domain
    /// and the goal.
    ///
    /// # Errors
    /// When the setting is wrong.
    pub fn niche(&self) -> Result<String, String> {
        let given = self.line_setting(NICHE, LONGEST)?;
        Ok(given.unwrap_or_else(|| derived(&self.step.domain, &self.plan.goal)))
    }
}

/// What a JSON Schema says of the setting.
pub fn schema() -> Value {
    json!({
        "description": "The niche, in a few words. Two or three from the domain and the goal unless \
                        given.",
        "type": "string",
        // One line that is not blank.
        "pattern": "^\\P{Cc}*[^\\s\\p{Cc}]\\P{Cc}*$",
        "maxLength": LONGEST,
    })
}

/// Of a goal, the first words that say what it is about. Where there are fewer than two, the domain
/// goes before them; where there is none, the platforms that it names count, else its first words.
fn derived(domain: &str, goal: &str) -> String {
    let all = words(goal);
    let (platforms, all): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|word| is_in(PLATFORMS, word));
    let saying = all.iter().filter(|word| says_something(word));
    let mut niche: Vec<String> = Vec::new();
    for word in saying {
        add(&mut niche, word);
    }
    if niche.is_empty() {
        let instead = if platforms.is_empty() { all } else { platforms };
        niche.push(domain.to_owned());
        for word in instead.iter().take(WORDS - 1) {
            add(&mut niche, word);
        }
    }
    if niche.len() < 2 {
        niche.retain(|word| !word.eq_ignore_ascii_case(domain));
        niche.insert(0, domain.to_owned());
    }
    niche.truncate(WORDS);
    niche.join(" ")
}

fn add(niche: &mut Vec<String>, word: &str) {
    let is_there = niche.iter().any(|there| lower(there) == lower(word));
    if !is_there {
        niche.push(word.to_owned());
    }
}

fn lower(word: &str) -> String {
    word.to_lowercase()
}

fn says_something(word: &str) -> bool {
    // An abbreviation, as AI; a number says how many.
    let is_short = word.chars().nth(1).is_none();
    !is_short
        && !word.starts_with(|c: char| c.is_numeric())
        && !EMPTY.iter().any(|words| is_in(words, word))
}

fn is_in(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == lower(word))
}

/// The words of a text, without what is around them, each within bounds.
fn words(text: &str) -> Vec<String> {
    // Between the words of Japanese there is kana, where there are spaces elsewhere.
    let is_japanese = text.chars().any(is_ideograph) && text.chars().any(is_kana);
    // An address says where something is.
    let pieces = text
        .split_whitespace()
        .filter(|piece| !piece.contains("://"));
    let parts =
        pieces.flat_map(|piece| piece.split(|c| !is_of_a_word(c) || (is_japanese && is_kana(c))));
    parts
        .map(|part| part.chars().filter(|c| !is_unseen(*c)).collect::<String>())
        .map(|part| cut(without_signs(&part)))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect()
}

/// Without what is around a word. `C++` and `C#` are words, and of `#cats` the sign is none of it.
fn without_signs(part: &str) -> &str {
    let is_sign = |c: char| !c.is_alphanumeric() && c.is_ascii();
    let part = part.trim_start_matches(is_sign);
    part.trim_end_matches(|c| is_sign(c) && !matches!(c, '+' | '#'))
}

fn cut(word: &str) -> String {
    let longest = if word.chars().any(is_unspaced) {
        LONGEST_UNSPACED
    } else {
        LONGEST_WORD
    };
    word.chars().take(longest).collect()
}

fn is_of_a_word(c: char) -> bool {
    // Marks belong to their letter, also those that are no letters themselves.
    c.is_alphanumeric() || matches!(c, '-' | '+' | '#' | '\'' | '’') || is_mark(c) || is_unseen(c)
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{963}' | '\u{980}'..='\u{dff}' | '\u{e31}'..='\u{eff}')
}

/// What joins letters, or shows nothing at all.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{30a0}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
        || is_kana(c)
        || is_ideograph(c)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{context, with_settings};

    #[test]
    fn a_goal_is_told_in_two_or_three_words() {
        for (goal, niche) in [
            ("Plan a week of short videos", "short videos"),
            ("Grow TikTok for a home fitness brand", "home fitness brand"),
            (
                "Plan and execute a 7-day TikTok & Shorts content cycle.",
                "content cycle",
            ),
            ("Improve beauty brand and makeup", "beauty brand makeup"),
            (
                "Sell smart bottles (smart bottles!) in Brazil",
                "smart bottles Brazil",
            ),
            ("Post 3 videos", "social videos"),
            ("pet care", "pet care"),
            ("AI", "social AI"),
            ("Social", "social"),
            // Nothing but what says nothing.
            ("Do it now", "social Do it"),
            (
                "Post on TikTok and Instagram daily",
                "social TikTok Instagram",
            ),
            ("https://example.com/a?b=c promote", "social promote"),
            ("C++ and C# tutorials", "C++ C# tutorials"),
            ("#cats #dogs", "cats dogs"),
            ("🚀🚀 🎉", "social"),
            ("🚀 launch 🐶 dog-food 🐶", "social dog-food"),
            (" \u{200b}\n ", "social"),
            ("c\u{202e}ats\u{200b} in hats", "cats hats"),
            (
                "Eine Woche mit kurzen Videos für Hunde",
                "kurzen Videos Hunde",
            ),
            (
                "Planifier une semaine de recettes végétariennes",
                "Planifier recettes végétariennes",
            ),
            ("Vender café en línea", "Vender café línea"),
            ("Продвигать вязаные шапки", "Продвигать вязаные шапки"),
            ("الترويج للقهوة العربية", "الترويج للقهوة العربية"),
            ("हिन्दी में योग वीडियो", "हिन्दी में योग"),
            ("短い動画を一週間分計画する", "動画 一週間分計画"),
            ("短视频计划一周内容安排表和发布", "social 短视频计划一周内"),
        ] {
            let mut context = context("trends");
            context.plan.goal = goal.to_owned();
            assert_eq!(context.niche().unwrap(), niche, "{goal}");
        }
    }

    #[test]
    fn it_is_short_whatever_the_goal_is() {
        for goal in [
            "é".repeat(10_000),
            "ab ".repeat(10_000),
            "猫".repeat(10_000),
        ] {
            let niche = derived("social", &goal);
            assert!(
                niche.chars().count() <= WORDS * (LONGEST_WORD + 1),
                "{niche}"
            );
            assert!((1..=WORDS).contains(&niche.split(' ').count()), "{niche}");
            assert!(!niche.contains(&goal));
        }
    }

    #[test]
    fn what_is_set_counts_as_it_is_or_is_refused() {
        let with =
            |niche: &str| with_settings("trends", &json!({"niche": niche}).to_string()).niche();
        assert_eq!(with(" pet care "), Ok("pet care".to_owned()));
        assert_eq!(with(&"é".repeat(120)), Ok("é".repeat(120)));
        for wrong in [
            "",
            " ",
            "a\nb",
            "a\u{0}",
            "\u{7f}",
            "a\u{85}b",
            &"é".repeat(121),
        ] {
            let error = with(wrong).unwrap_err();
            let begins = "the setting niche must be a text of 1 to 120 characters on one line";
            assert!(error.starts_with(begins), "{error}");
        }
    }
}
