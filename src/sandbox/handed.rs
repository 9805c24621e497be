//! What one call is handed: how much that is, whether it may be so much, and whether an honest plugin
//! could have failed over it.

use super::bindings::{Context, Request, Response};
use super::fault::Fault;
use super::limits::Limits;

/// Parts that are named in a message.
const NAMED: usize = 5;

/// Levels of nesting that a plugin must bear, as the contract says.
const DEPTH: usize = 100;

/// What a reader of JSON needs for each byte, in bytes of memory: a copy or two of the text …
const MEMORY_BYTE: usize = 4;

/// … and for each value in it: a small object is some hundred bytes in most languages.
const MEMORY_VALUE: usize = 160;

/// What an interpreter's reader of JSON takes for each byte, in nanoseconds …
const TIME_BYTE: usize = 40;

/// … and for each value in it.
const TIME_VALUE: usize = 1_500;

/// How many bytes one may become where it is written as JSON: `\u001f`.
const ESCAPED: usize = 6;

/// Everything that one call is handed.
#[derive(Clone, Copy)]
pub(super) struct Handed<'a> {
    pub(super) context: &'a Context,
    /// What is interpreted, if something is.
    pub(super) answer: Option<(&'a Request, &'a Response)>,
}

/// How much it is.
#[derive(Debug, Default)]
struct Measured {
    bytes: usize,
    /// Roughly: what JSON has commas, colons and brackets for.
    values: usize,
    depth: usize,
}

impl Handed<'_> {
    /// Whether it may be so much.
    ///
    /// # Errors
    /// What is too much.
    pub(super) fn check(&self, kind: &str, limits: &Limits) -> Result<(), Fault> {
        let parts = self.parts();
        let sizes = parts.iter().map(|(_, text)| text.len());
        let bytes = sizes.fold(0, usize::saturating_add);
        let most = limits.handed();
        if bytes <= most {
            return Ok(());
        }
        Err(Fault::TooMuch {
            kind: kind.to_owned(),
            bytes,
            most,
            parts: named(parts),
        })
    }

    /// The fault, with what was handed if an honest plugin could have failed over that. `free` is the
    /// memory that the guest had left when it was called.
    pub(super) fn blamed(&self, fault: Fault, limits: &Limits, free: usize) -> Fault {
        let parts = self.parts();
        let measured = Measured::of(parts.iter().map(|(_, text)| *text));
        if !measured.excuses(&fault, limits, free) {
            return fault;
        }
        Fault::Overfed {
            bytes: measured.bytes,
            parts: named(parts),
            fault: Box::new(fault),
        }
    }

    /// What has no limit of its own, with what it is called.
    fn parts(&self) -> Vec<(String, &str)> {
        let context = self.context;
        let mut parts = vec![
            ("the goal".to_owned(), context.plan.goal.as_str()),
            ("its settings".to_owned(), context.step.settings.as_str()),
        ];
        let results = context.finished.iter();
        parts.extend(results.map(|step| {
            let name = format!("the result of {} ({})", step.id, step.kind);
            (name, step.result.as_str())
        }));
        if let Some((request, response)) = self.answer {
            let body = request.body.as_deref().unwrap_or_default();
            parts.push(("its request".to_owned(), body));
            parts.push(("the answer".to_owned(), response.body.as_str()));
        }
        parts
    }
}

/// The largest of them, for a message.
fn named(mut parts: Vec<(String, &str)>) -> String {
    parts.retain(|(_, text)| !text.is_empty());
    parts.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
    let largest = parts.iter().take(NAMED);
    let largest = largest.map(|(name, text)| format!("{name} has {}", text.len()));
    let mut named = largest.collect::<Vec<_>>().join(", ");
    let rest = parts.len().saturating_sub(NAMED);
    if rest > 0 {
        named.push_str(&format!(", and there are {rest} more"));
    }
    named
}

impl Measured {
    fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut measured = Self::default();
        texts.for_each(|text| measured.add(text));
        measured
    }

    fn add(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_add(text.len());
        let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
        for byte in text.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_text => is_escaped = true,
                b'"' => is_text = !is_text,
                _ if is_text => {}
                b'[' | b'{' => {
                    depth = depth.saturating_add(1);
                    self.depth = self.depth.max(depth);
                    self.values = self.values.saturating_add(1);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' | b':' => self.values = self.values.saturating_add(1),
                _ => {}
            }
        }
    }

    fn excuses(&self, fault: &Fault, limits: &Limits, free: usize) -> bool {
        let sum = |byte: usize, value: usize| {
            let values = self.values.saturating_mul(value);
            self.bytes.saturating_mul(byte).saturating_add(values)
        };
        let memory = || sum(MEMORY_BYTE, MEMORY_VALUE) > free / 2;
        let micros = || sum(TIME_BYTE, TIME_VALUE) / 1_000;
        let time = || micros() as u64 > limits.cpu_ms.saturating_mul(1_000) / 2;
        let depth = || self.depth > DEPTH;
        match fault {
            Fault::Memory(_) => memory(),
            Fault::CpuTime(_) => time(),
            Fault::Output(most) => self.bytes.saturating_mul(ESCAPED) > *most,
            Fault::Stack(_) | Fault::Bounds => depth(),
            // What a runtime does that notices by itself.
            Fault::Panic(_) | Fault::Exit(_) | Fault::Trap(_) => memory() || depth(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: usize = 14 << 20;

    fn excuses(text: &str, fault: &Fault) -> bool {
        let measured = Measured::of([text].into_iter());
        measured.excuses(fault, &Limits::default(), FREE)
    }

    #[test]
    fn values_and_depth_are_those_of_json_and_not_of_its_texts() {
        let measured = Measured::of([r#"{"a[,\"{": [1, 2, [3]]}"#].into_iter());
        assert_eq!((measured.values, measured.depth), (6, 3));
    }

    #[test]
    fn what_is_ordinary_excuses_nothing() {
        let ordinary = format!("[{}]", vec![r#"{"title": "An item"}"#; 2_000].join(","));
        for fault in [
            Fault::Memory(16 << 20),
            Fault::CpuTime(200),
            Fault::Output(2 << 20),
            Fault::Stack(512 << 10),
            Fault::Panic(String::new()),
        ] {
            assert!(!excuses(&ordinary, &fault), "{fault}");
        }
    }

    #[test]
    fn what_is_much_excuses_what_comes_of_it_and_nothing_else() {
        let dense = format!("[{}0]", "0,".repeat(500_000));
        let long = format!("\"{}\"", "x".repeat(1 << 20));
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        for (text, fault, expected) in [
            (&dense, Fault::Memory(16 << 20), true),
            (&dense, Fault::CpuTime(200), true),
            (&dense, Fault::Panic(String::new()), true),
            (&dense, Fault::Stack(512 << 10), false),
            (&dense, Fault::WallTime(2_000), false),
            (&long, Fault::Output(2 << 20), true),
            (&long, Fault::CpuTime(200), false),
            (&long, Fault::Memory(16 << 20), false),
            (&deep, Fault::Stack(512 << 10), true),
            (&deep, Fault::Memory(16 << 20), false),
        ] {
            assert_eq!(excuses(text, &fault), expected, "{fault}");
        }
    }
}
