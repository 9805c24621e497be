//! Which known name somebody meant who wrote another one.

use strsim::osa_distance;

/// How many letters may be wrong in a name that is taken for a known one.
const WRONG: usize = 2;

/// The known name that is most like this one, if any is like it.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = plain(name);
    let distances = known.iter().map(|known| (distance(&plain, known), *known));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    // Of a short name, two letters are most of it.
    let near = distance <= WRONG && distance * 2 <= nearest.chars().count();
    near.then_some(nearest)
}

/// The known name that this one is but for upper and lower case, separators, or one letter.
pub(crate) fn misspelt<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = plain(name);
    let mut known = known.iter();
    known.find(|known| distance(&plain, known) <= 1).copied()
}

fn distance(plain_name: &str, known: &str) -> usize {
    osa_distance(plain_name, &plain(known))
}

/// In lower case and without separators, so that `session_id` is `sessionId`. What is long is no
/// name, and is not compared to its end.
fn plain(name: &str) -> String {
    let letters = name.trim().chars().filter(|c| !matches!(c, '_' | '-'));
    letters.take(100).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["sessionId", "domain", "domains", "goal", "mode"];

    #[test]
    fn a_name_is_like_a_known_one() {
        for (name, meant) in [
            ("Mode", Some("mode")),
            ("MODE ", Some("mode")),
            ("moed", Some("mode")),
            ("m\u{43e}de", Some("mode")),
            ("session_id", Some("sessionId")),
            ("sesionID", Some("sessionId")),
            ("Domain", Some("domain")),
            ("dommians", Some("domains")),
            ("", None),
            ("steps", None),
        ] {
            assert_eq!(nearest(name, &KNOWN), meant, "{name}");
        }
        assert_eq!(nearest(&"m".repeat(1 << 20), &KNOWN), None);
        assert_eq!(nearest("mode", &[]), None);
    }

    #[test]
    fn a_misspelt_name_differs_by_case_or_a_letter() {
        for (name, meant) in [
            ("MODE", Some("mode")),
            ("mod", Some("mode")),
            ("modes", Some("mode")),
            ("omde", Some("mode")),
            ("session-id", Some("sessionId")),
            ("node1", None),
            ("moddel", None),
            ("extra", None),
            ("", None),
        ] {
            assert_eq!(misspelt(name, &KNOWN), meant, "{name}");
        }
    }
}
