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
    let mut page = Page::new(list, after, most);
    let first = page.first().await?;
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
    fn new(list: L, after: Option<L::Cursor>, most: usize) -> Self {
        Self {
            list,
            after,
            left: most,
            bytes: 0,
            is_first: true,
            unreadable: Vec::new(),
            is_over: false,
        }
    }

    /// The piece that it begins with.
    async fn first(&mut self) -> Result<String, StoreError> {
        let piece = self.next().await?;
        Ok(format!(r#"{{"ok":true,"{}":[{piece}"#, L::NAME))
    }

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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The numbers from 1 to 6, two at a time, with what happens behind the fourth.
    struct Numbers(Result<(), StoreError>);

    impl List for Numbers {
        type Cursor = usize;

        const NAME: &'static str = "numbers";

        async fn part(
            &self,
            after: Option<usize>,
            most: usize,
        ) -> Result<Written<usize>, StoreError> {
            let after = after.unwrap_or(0);
            if after == 4 {
                self.0.as_ref().map_err(StoreError::again)?;
            }
            let numbers = (after + 1..=6).take(2.min(most));
            let items = numbers.map(|number| match number {
                3 => (number, Err("\"no three\"".to_owned())),
                _ => (number, Ok(number.to_string())),
            });
            let items: Vec<_> = items.collect();
            let last = items.last().map(|(number, _)| *number);
            Ok(Written {
                items,
                next: last.filter(|last| *last < 6),
            })
        }

        fn shown(&self, cursor: &usize) -> String {
            cursor.to_string()
        }
    }

    async fn written(behind_four: Result<(), StoreError>, after: usize, most: usize) -> Value {
        let mut page = Page::new(Numbers(behind_four), Some(after), most);
        let mut text = page.first().await.unwrap();
        while !page.is_over {
            text.push_str(&page.go_on().await);
        }
        serde_json::from_str(&text).unwrap()
    }

    #[tokio::test]
    async fn a_page_is_one_answer_whatever_its_pieces_are() {
        let unreadable = ["no three"];
        let all = json!({"ok": true, "numbers": [1, 2, 4, 5, 6], "unreadable": unreadable});
        assert_eq!(written(Ok(()), 0, 6).await, all);
        let some =
            json!({"ok": true, "numbers": [1, 2], "unreadable": unreadable, "nextCursor": "3"});
        assert_eq!(written(Ok(()), 0, 3).await, some);
        let none = json!({"ok": true, "numbers": [], "unreadable": unreadable, "nextCursor": "3"});
        assert_eq!(written(Ok(()), 2, 1).await, none);
    }

    #[tokio::test]
    async fn a_page_that_cannot_be_read_on_ends_early_and_the_next_says_why() {
        let page = written(Err(StoreError::Locked), 0, 6).await;
        let expected = json!({"ok": true, "numbers": [1, 2, 4], "unreadable": ["no three"],
            "nextCursor": "4"});
        assert_eq!(page, expected);
        let next = Page::new(Numbers(Err(StoreError::Locked)), Some(4), 6)
            .first()
            .await;
        assert!(matches!(next, Err(StoreError::Locked)), "{next:?}");
    }
}
