//! A page of a list, written as it is read: the next part of it is read from the store once the client
//! has taken the one before. So a client that does not read holds one part, whatever is in the list.
//!
//! A page ends with its limit, and before it would have more than [`PAGE`] bytes. If the store can't be
//! read on, the page ends there as well, and the next one says why.

use std::future::Future;

use axum::response::Response;
use futures_util::stream::{StreamExt, iter, unfold};
use serde::Serialize;

use super::error::HttpError;
use super::json::written;
use super::reader::Reading;
use crate::store::{Part, StoreError};

/// The largest page, in bytes of JSON. What is larger than that alone is a page of its own.
const PAGE: usize = 4 << 20;

/// A part of a list, as JSON: what is in it, and of what can't be read, why.
pub(super) type Written<C> = Part<C, String, String>;

/// A list that is answered a page at a time.
pub(super) trait List: Send + 'static {
    /// Where in the list one is.
    type Cursor: Clone + Send;

    /// What it is called in the answer.
    const NAME: &'static str;

    /// The next part of it: so many at the most.
    fn part(
        &self,
        after: Option<Self::Cursor>,
        most: usize,
    ) -> impl Future<Output = Result<Written<Self::Cursor>, StoreError>> + Send;

    /// The cursor that a client goes on with.
    fn shown(&self, cursor: &Self::Cursor) -> String;
}

impl<C> Written<C> {
    /// A part as JSON, with each item written like this.
    pub(super) fn new<T, E: Serialize>(
        part: Part<C, T, E>,
        write: impl Fn(T) -> serde_json::Result<String>,
    ) -> Result<Self, StoreError> {
        let items = part.items.into_iter().map(|(cursor, item)| {
            let json = match item {
                Ok(item) => Ok(write(item)?),
                Err(why) => Err(serde_json::to_string(&why)?),
            };
            Ok((cursor, json))
        });
        Ok(Self {
            items: written(items.collect())?,
            next: part.next,
        })
    }
}

/// `{ok, <NAME>: […], unreadable?: […], nextCursor?}`: the page behind `after`, with so many at the most.
pub(super) async fn page<L: List>(
    list: L,
    after: Option<L::Cursor>,
    most: usize,
    reading: Reading,
) -> Result<Response, HttpError> {
    let mut page = Page {
        list,
        after,
        left: most,
        bytes: 0,
        is_first: true,
        unreadable: Vec::new(),
        is_over: false,
    };
    let first = format!(r#"{{"ok":true,"{}":["#, L::NAME) + &page.next().await?;
    if page.is_over {
        return Ok(reading.whole(first));
    }
    let rest = unfold(page, |mut page| async {
        if page.is_over {
            return None;
        }
        Some((page.go_on().await, page))
    });
    Ok(reading.in_parts(iter([first]).chain(rest)))
}

/// A page that is being written.
struct Page<L: List> {
    list: L,
    /// Where it is.
    after: Option<L::Cursor>,
    /// How many more there may be in it.
    left: usize,
    /// What is in it, in bytes.
    bytes: usize,
    /// Nothing that can be read was in it yet.
    is_first: bool,
    unreadable: Vec<String>,
    is_over: bool,
}

impl<L: List> Page<L> {
    /// The next piece of it.
    async fn next(&mut self) -> Result<String, StoreError> {
        let part = self.list.part(self.after.clone(), self.left).await?;
        let mut piece = String::new();
        for (cursor, item) in part.items {
            let (Ok(json) | Err(json)) = &item;
            let bytes = self.bytes.saturating_add(json.len());
            if self.bytes > 0 && bytes > PAGE {
                self.end(&mut piece, self.after.clone());
                return Ok(piece);
            }
            self.bytes = bytes;
            self.left = self.left.saturating_sub(1);
            self.after = Some(cursor);
            match item {
                Ok(json) => {
                    if !std::mem::take(&mut self.is_first) {
                        piece.push(',');
                    }
                    piece.push_str(&json);
                }
                Err(json) => self.unreadable.push(json),
            }
        }
        let is_full = self.left == 0 || self.bytes >= PAGE;
        match part.next {
            Some(next) if !is_full => self.after = Some(next),
            next => self.end(&mut piece, next),
        }
        Ok(piece)
    }

    /// The next piece of a page that has begun, and can't become an error any more.
    async fn go_on(&mut self) -> String {
        self.next().await.unwrap_or_else(|error| {
            tracing::warn!("a page of {} ends early: {error}", L::NAME);
            let mut piece = String::new();
            self.end(&mut piece, self.after.clone());
            piece
        })
    }

    fn end(&mut self, piece: &mut String, next: Option<L::Cursor>) {
        self.is_over = true;
        piece.push(']');
        if !self.unreadable.is_empty() {
            piece.push_str(&format!(",\"unreadable\":[{}]", self.unreadable.join(",")));
        }
        if let Some(next) = next {
            let cursor = self.list.shown(&next);
            piece.push_str(&format!(",\"nextCursor\":\"{cursor}\""));
        }
        piece.push('}');
    }
}
