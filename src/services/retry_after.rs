//! `Retry-After` in all its forms (RFC 9110, sections 5.6.7 and 10.2.3): seconds, and dates in the
//! form of today and in the two of before.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest wait, in seconds: a year. Whatever is longer counts as that.
const LONGEST: u64 = 365 * 24 * 60 * 60;

/// Reads a `Retry-After` of an answer that came at this moment, with its own date: a way in for a fuzz
/// target.
#[doc(hidden)]
pub fn check_retry_after(value: &str, date: &str, now: i64) -> Option<u64> {
    let mut headers = HeaderMap::new();
    for (name, value) in [(RETRY_AFTER, value), (DATE, date)] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    seconds(&headers, now)
}

/// How long to wait, in seconds, if an answer with these headers, which came at this moment (in
/// milliseconds since 1970), says so in a form that can be read; of several, the longest. A date is held
/// against the date of the answer: the two come from one clock, and ours may be another.
pub(super) fn seconds(headers: &HeaderMap, now: i64) -> Option<u64> {
    let text = |value: &'_ reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
    let answered = headers.get(DATE).and_then(text);
    let answered = answered.and_then(|date| millis(&date, now));
    let now = answered.unwrap_or(now);
    let values = headers.get_all(RETRY_AFTER).iter().filter_map(text);
    values.filter_map(|value| one(value.trim(), now)).max()
}

/// The wait that was told in this form of seconds.
pub(super) fn wait(seconds: &str) -> Option<Duration> {
    delta(seconds.trim()).map(Duration::from_secs)
}

fn one(value: &str, now: i64) -> Option<u64> {
    let date = |value| {
        let left = millis(value, now)?.saturating_sub(now);
        let left = u64::try_from(left).unwrap_or(0);
        Some(left.div_ceil(1_000).min(LONGEST))
    };
    delta(value).or_else(|| date(value)).or_else(|| {
        // What comes in several lines may be joined on the way.
        let all: Option<Vec<u64>> = value.split(',').map(|part| delta(part.trim())).collect();
        all?.into_iter().max()
    })
}

/// Seconds: digits and nothing else.
fn delta(value: &str) -> Option<u64> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number that is too long to be one is not small.
    is_number.then(|| value.parse().unwrap_or(LONGEST).min(LONGEST))
}

/// Milliseconds since 1970 of a date that was told at this moment. The day of the week counts for nothing:
/// it may be wrong.
fn millis(date: &str, now: i64) -> Option<i64> {
    let parts: Vec<&str> = date
        .split([' ', ',', '-', ':'])
        .filter(|part| !part.is_empty())
        .collect();
    let (year, month, day, time) = match *parts.as_slice() {
        [_, day, month, year, hour, minute, second, zone]
            if zone.eq_ignore_ascii_case("GMT") || zone.eq_ignore_ascii_case("UTC") =>
        {
            (year, month, day, [hour, minute, second])
        }
        [_, month, day, hour, minute, second, year] => (year, month, day, [hour, minute, second]),
        _ => return None,
    };
    let number = |digits: &str| -> Option<i8> { delta(digits).and_then(|n| n.try_into().ok()) };
    let [hour, minute, second] = time.map(number);
    // A leap second is the last one of its minute.
    let second = second.map(|second| if second == 60 { 59 } else { second });
    let (year, month) = (full_year(year, now)?, self::month(month)?);
    let at = DateTime::new(year, month, number(day)?, hour?, minute?, second?, 0).ok()?;
    // The last day of the year 9999 is past what a timestamp holds, and means never.
    let at = at.to_zoned(TimeZone::UTC);
    Some(at.map_or(i64::MAX, |at| at.timestamp().as_millisecond()))
}

/// A year. One of two digits is of this century, unless it would be more than 50 years ahead (RFC 9110,
/// section 5.6.7).
fn full_year(digits: &str, now: i64) -> Option<i16> {
    let year: i16 = delta(digits)?.try_into().ok()?;
    match digits.len() {
        2 => {
            let now = jiff::Timestamp::from_millisecond(now).ok()?;
            let this = now.to_zoned(TimeZone::UTC).year();
            let year = this - this % 100 + year;
            Some(if year > this + 50 { year - 100 } else { year })
        }
        4 => Some(year),
        _ => None,
    }
}

fn month(name: &str) -> Option<i8> {
    let names = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let name = name.to_ascii_lowercase();
    let index = names.iter().position(|known| *known == name)?;
    i8::try_from(index + 1).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z.
    const THEN: i64 = 784_111_777_000;

    fn told(headers: &[(&str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        seconds(&map, THEN - 90_500)
    }

    #[test]
    fn dates_are_read_in_all_three_forms() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            // As it is not to be written, and is.
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 nov 1994 08:49:37 utc",
        ] {
            assert_eq!(told(&[("retry-after", date)]), Some(91), "{date}");
            assert_eq!(millis(date, THEN), Some(THEN), "{date}");
        }
        let leap = "Sat, 31 Dec 2016 23:59:60 GMT";
        assert_eq!(
            millis(leap, THEN),
            millis("Sat, 31 Dec 2016 23:59:59 GMT", THEN)
        );
        for wrong in [
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, -6 Nov 194 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "soon",
            "",
        ] {
            assert_eq!(told(&[("retry-after", wrong)]), None, "{wrong}");
        }
    }

    #[test]
    fn seconds_are_digits() {
        for (value, expected) in [
            ("0", Some(0)),
            (" 30 ", Some(30)),
            ("007", Some(7)),
            ("120, 60", Some(120)),
            ("99999999999", Some(LONGEST)),
            ("99999999999999999999999", Some(LONGEST)),
            ("+5", None),
            ("-1", None),
            ("1.5", None),
            ("5s", None),
            ("0x10", None),
            ("٣", None),
            (",", None),
        ] {
            let mut map = HeaderMap::new();
            let bytes = reqwest::header::HeaderValue::from_bytes(value.as_bytes());
            map.insert("retry-after", bytes.unwrap());
            assert_eq!(seconds(&map, 0), expected, "{value}");
        }
    }

    #[test]
    fn the_answers_own_clock_counts_and_the_past_is_over() {
        let at = "Sun, 06 Nov 1994 08:49:37 GMT";
        let answered = |date| told(&[("retry-after", at), ("date", date)]);
        assert_eq!(answered("Sun, 06 Nov 1994 08:49:07 GMT"), Some(30));
        assert_eq!(answered("Sun, 06 Nov 2094 08:49:07 GMT"), Some(0));
        assert_eq!(answered("no date"), Some(91));
        assert_eq!(answered("Thu, 01 Jan 1970 00:00:00 GMT"), Some(LONGEST));
    }

    #[test]
    fn of_several_the_longest_counts() {
        let both = [("retry-after", "3"), ("retry-after", "7")];
        assert_eq!(told(&both), Some(7));
        let date = ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            told(&[("retry-after", "3"), date, ("retry-after", "x")]),
            Some(91)
        );
    }

    #[test]
    fn never_is_a_year_and_two_digits_are_near() {
        let now = 1_795_000_000_000;
        let year = Some(LONGEST);
        for never in [
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Thu, 30 Dec 9999 22:00:00 GMT",
        ] {
            assert_eq!(check_retry_after(never, "", now), year, "{never}");
        }
        let ahead = check_retry_after("Wednesday, 26-Nov-70 00:00:00 GMT", "", now);
        assert_eq!(ahead, year, "it is 2070");
        let past = check_retry_after("Wednesday, 26-Nov-77 00:00:00 GMT", "", now);
        assert_eq!(past, Some(0), "it was 1977");
    }
}
