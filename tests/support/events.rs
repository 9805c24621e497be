//! A client of the host's event streams that notes everything.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use super::{http, within};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub id: Option<i64>,
    pub event: String,
    pub data: Value,
}

impl Seen {
    /// `finished step-1 DONE`
    pub fn line(&self) -> String {
        let field = |name: &str| self.data[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", self.event, field("step"), field("status"))
    }

    pub fn plan(&self) -> String {
        self.data["planId"].as_str().unwrap().to_owned()
    }
}

/// An open stream.
pub struct Events {
    response: Response,
    buffer: String,
}

impl Events {
    /// The request that [`Events::open`] makes.
    pub fn request(url: &str, query: &str, last: Option<i64>) -> RequestBuilder {
        let request = http().get(format!("{url}/mesh/events{query}"));
        match last {
            Some(last) => request.header("last-event-id", last.to_string()),
            None => request,
        }
    }

    /// Opens a stream, which must be accepted.
    pub async fn open(url: &str, query: &str, last: Option<i64>) -> Self {
        let response = Self::request(url, query, last).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
        }
    }

    /// Waits until the host has room for a stream again.
    pub async fn room(url: &str) {
        let room = async {
            while Self::request(url, "", None).send().await.unwrap().status() != 200 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(room).await;
    }

    /// What comes next, events and comments alike, without the empty line after it; `None` once the
    /// stream has ended, however it did.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(block);
            }
            let chunk = within(self.response.chunk()).await.ok()??;
            // The host sends whole characters: a chunk is one event, or some.
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; `None` once the stream has ended.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            let block = self.block().await?;
            if let Some(seen) = parse(&block) {
                return Some(seen);
            }
        }
    }

    /// The events up to the first one that is so.
    pub async fn until(&mut self, so: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let mut seen = Vec::new();
        loop {
            let next = self.next().await;
            seen.push(next.unwrap_or_else(|| panic!("the stream ended after {seen:#?}")));
            if so(seen.last().unwrap()) {
                return seen;
            }
        }
    }
}

/// The event in a block; `None` if it is a comment.
pub fn parse(block: &str) -> Option<Seen> {
    let field = |name: &str| {
        let mut values = block.lines().filter_map(|line| line.strip_prefix(name));
        let value = values.next().map(str::to_owned);
        assert_eq!(values.next(), None, "twice in {block:?}");
        value
    };
    let event = field("event: ")?;
    Some(Seen {
        id: field("id: ").map(|id| id.parse().unwrap()),
        data: serde_json::from_str(&field("data: ").unwrap()).unwrap(),
        event,
    })
}

/// What does not come again: the events of each plan up to its last with a number.
pub fn settled(seen: Vec<Seen>) -> Vec<Seen> {
    let comes_not_again = |(index, event): (usize, &Seen)| {
        let mut same = seen[index..]
            .iter()
            .filter(|seen| seen.plan() == event.plan());
        same.any(|seen| seen.id.is_some())
    };
    let kept = seen
        .iter()
        .enumerate()
        .filter(|seen| comes_not_again(*seen));
    kept.map(|(_, event)| event.clone()).collect()
}
