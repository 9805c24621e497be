//! Texts and numbers as they are in rows. A column may hold what the host never wrote: a damaged file, or another
//! program, can leave something else there. One such row must not take others with it.

use rusqlite::types::{FromSql, FromSqlResult, ValueRef};

/// A text, or why it is none.
pub(super) struct Text(Result<String, &'static str>);

impl Text {
    pub(super) fn read(&self) -> Result<&str, &'static str> {
        self.0.as_deref().map_err(|why| *why)
    }

    /// How long it is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, String::len)
    }
}

impl FromSql for Text {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = match value {
            ValueRef::Text(bytes) => {
                let text = String::from_utf8(bytes.to_vec());
                text.map_err(|_| "it is not UTF-8 text")
            }
            ValueRef::Null => Err("nothing is there"),
            ValueRef::Blob(_) | ValueRef::Integer(_) | ValueRef::Real(_) => Err("it is not text"),
        };
        Ok(Self(text))
    }
}

/// A text for whatever is there: what is not text in it is replaced.
pub(super) struct Shown(pub(super) String);

impl FromSql for Shown {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
        }))
    }
}

/// A number, or 0 for whatever else is there.
pub(super) struct Number(pub(super) i64);

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(value.as_i64().unwrap_or_default()))
    }
}
