//! Reading this step's settings. A setting that was given is right or refused, by name and with
//! what would be right; it is never quietly replaced by a default.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::Context;
use crate::answer::quote;

impl Context {
    /// The whole number given for this setting, however it is written: `30.0` and `3e1` are 30.
    pub fn number_setting(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, String> {
        let wanted = || format!("a whole number from {} to {}", range.start(), range.end());
        self.setting(name, wanted, |value| {
            whole_number(value).filter(|number| range.contains(number))
        })
    }

    /// The text given for this setting, without the white space around it.
    pub fn text_setting(&self, name: &str, longest: usize) -> Result<Option<String>, String> {
        let wanted = || format!("a text of 1 to {longest} characters that is not blank");
        self.setting(name, wanted, |value| {
            let text = value.as_str()?;
            let fits = text.chars().nth(longest).is_none() && !text.trim().is_empty();
            fits.then(|| text.trim().to_owned())
        })
    }

    /// The text given for this setting, which has no line breaks and no other control characters,
    /// without the white space around it.
    pub fn line_setting(&self, name: &str, longest: usize) -> Result<Option<String>, String> {
        let wanted =
            || format!("a text of 1 to {longest} characters on one line that is not blank");
        self.setting(name, wanted, |value| {
            let text = value.as_str()?;
            let fits = text.chars().nth(longest).is_none() && !text.contains(char::is_control);
            let text = text.trim();
            (fits && !text.is_empty()).then(|| text.to_owned())
        })
    }

    /// The one of `choices` given for this setting.
    pub fn choice_setting<'a>(
        &self,
        name: &str,
        choices: &[&'a str],
    ) -> Result<Option<&'a str>, String> {
        let wanted = || format!("one of {}", choices.join(", "));
        self.setting(name, wanted, |value| {
            choices
                .iter()
                .copied()
                .find(|choice| value.as_str() == Some(choice))
        })
    }

    /// The texts given for this setting, without the white space around each.
    pub fn list_setting(&self, name: &str, longest: usize) -> Result<Option<Vec<String>>, String> {
        let wanted = || format!("a list of up to {longest} texts that are not blank");
        self.setting(name, wanted, |value| {
            let items = value.as_array()?;
            let texts = items.iter().map(|item| match item.as_str()?.trim() {
                "" => None,
                text => Some(text.to_owned()),
            });
            texts
                .collect::<Option<Vec<_>>>()
                .filter(|texts| texts.len() <= longest)
        })
    }

    fn setting<T>(
        &self,
        name: &str,
        wanted: impl Fn() -> String,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let settings: Map<String, Value> = serde_json::from_str(&self.step.settings)
            .map_err(|error| format!("the settings are not a JSON object: {error}"))?;
        let Some(value) = settings.get(name) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| {
            format!(
                "the setting {name} must be {}, not {}",
                wanted(),
                quote(&value.to_string())
            )
        })
    }
}

/// A number without a fraction, as JSON Schema has it: `30.0` and `3e1` are 30.
pub fn whole_number(value: &Value) -> Option<u64> {
    /// The first number that is too large, 2^64.
    const END: f64 = 18_446_744_073_709_551_616.0;
    let written_so = |number: &f64| number.fract() == 0.0 && (0.0..END).contains(number);
    let cut = |number: f64| number as u64;
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(written_so).map(cut))
}

#[cfg(test)]
mod tests {
    use super::whole_number;
    use crate::testing::{context, with_settings};

    #[test]
    fn nothing_given_is_nothing() {
        let context = context("srl");
        assert_eq!(context.number_setting("days", 1..=9), Ok(None));
        assert_eq!(context.text_setting("name", 9), Ok(None));
        assert_eq!(context.choice_setting("kind", &["a"]), Ok(None));
    }

    #[test]
    fn what_fits_is_read() {
        let context = with_settings("srl", r#"{"days":9,"name":" über12 ","kind":"b"}"#);
        assert_eq!(context.number_setting("days", 1..=9), Ok(Some(9)));
        assert_eq!(
            context.text_setting("name", 8),
            Ok(Some("über12".to_owned()))
        );
        assert_eq!(context.choice_setting("kind", &["a", "b"]), Ok(Some("b")));
    }

    #[test]
    fn a_wrong_number_is_refused_by_name() {
        for wrong in ["0", "10", "-1", "1.5", "\"3\"", "null", "[]"] {
            let context = with_settings("srl", &format!(r#"{{"days":{wrong}}}"#));
            assert_eq!(
                context.number_setting("days", 1..=9),
                Err(format!(
                    "the setting days must be a whole number from 1 to 9, not {wrong}"
                ))
            );
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (text, number) in [
            ("30", Some(30)),
            ("30.0", Some(30)),
            ("3e1", Some(30)),
            ("3E+1", Some(30)),
            ("300e-1", Some(30)),
            ("0.3e2", Some(30)),
            ("-0.0", Some(0)),
            ("-0", Some(0)),
            ("0e0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("1e19", Some(10_000_000_000_000_000_000)),
            ("1e300", None),
            ("30.5", None),
            ("-30.0", None),
            ("1e-1", None),
            ("5e-324", None),
            ("\"30\"", None),
            ("true", None),
        ] {
            let value = serde_json::from_str(text).unwrap_or_default();
            assert_eq!(whole_number(&value), number, "{text}");
        }
        let context = with_settings("srl", r#"{"days":3e1}"#);
        assert_eq!(context.number_setting("days", 30..=30), Ok(Some(30)));
    }

    #[test]
    fn a_list_is_read_or_refused_by_name() {
        let context = with_settings("srl", r#"{"names":["a"," b "],"none":[]}"#);
        let texts = ["a".to_owned(), "b".to_owned()].to_vec();
        assert_eq!(context.list_setting("names", 2), Ok(Some(texts)));
        assert_eq!(context.list_setting("none", 2), Ok(Some(Vec::new())));
        assert_eq!(context.list_setting("other", 2), Ok(None));
        for wrong in ["\"a\"", "[1]", "[\" \"]", "[\"a\",\"b\",\"c\"]", "null"] {
            let context = with_settings("srl", &format!(r#"{{"names":{wrong}}}"#));
            let error = context.list_setting("names", 2).err().unwrap_or_default();
            let begins = "the setting names must be a list of up to 2 texts";
            assert!(error.starts_with(begins), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_wrong_text_is_refused_by_name() {
        for wrong in ["\"\"", "\" \"", "\"1234567890\"", "7", "null"] {
            let context = with_settings("srl", &format!(r#"{{"name":{wrong}}}"#));
            assert_eq!(
                context.text_setting("name", 9),
                Err(format!(
                    "the setting name must be a text of 1 to 9 characters that is not blank, \
                     not {wrong}"
                ))
            );
        }
    }

    #[test]
    fn a_wrong_choice_is_refused_by_name() {
        for wrong in ["\"c\"", "\"A\"", "1", "null"] {
            let context = with_settings("srl", &format!(r#"{{"kind":{wrong}}}"#));
            assert_eq!(
                context.choice_setting("kind", &["a", "b"]),
                Err(format!("the setting kind must be one of a, b, not {wrong}"))
            );
        }
    }

    #[test]
    fn settings_that_are_no_object_are_refused() {
        for wrong in ["", "[]", "null"] {
            let context = with_settings("srl", wrong);
            let error = context.number_setting("days", 1..=9).err();
            assert!(
                error.is_some_and(|error| error.starts_with("the settings are not a JSON object")),
                "{wrong:?}"
            );
        }
    }
}
