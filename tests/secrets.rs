//! A secret reaches the service that it was granted for, in the header that a plugin names it for,
//! and nobody else: not the plugin, and nothing that is kept, shown, logged or sent elsewhere.

mod granted;
mod guessed;
mod redacted;

/// A value with what encodings change in it, around a part that none of them does.
const VALUE: &str = r#"a+/"b\ q7Zt0k3nXwJ5 <&>'c="#;

/// That part.
const CORE: &str = "q7Zt0k3nXwJ5";
