//! Follows a plan's event stream, also over lost connections.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Response;
use serde::Deserialize;

use super::client::{Client, Refused};
use super::sse::{Message, Parser};
use crate::text::plain;

/// How often in a row it is tried to connect again.
const TRIES: u32 = 10;

/// The first wait before that, which doubles, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the stream tells of one transition.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) at: String,
    pub(super) transition: String,
    pub(super) step: Option<String>,
    pub(super) status: String,
    pub(super) plan_status: Option<String>,
    pub(super) duration_ms: Option<u64>,
    pub(super) error: Option<String>,
    pub(super) by: Option<String>,
    pub(super) reason: Option<String>,
}

/// A transition.
pub(super) struct Told {
    pub(super) event: Event,
    /// The same as the host wrote it.
    pub(super) json: String,
    /// It is the last of those that went to disk together.
    pub(super) is_last: bool,
}

/// A plan's event stream.
pub(super) struct Watch<'a> {
    client: &'a Client,
    id: &'a str,
    response: Option<Response>,
    parser: Parser,
    ready: VecDeque<Message>,
    /// Where to go on.
    last: Option<String>,
    /// What was told behind that, which comes again.
    since: Vec<String>,
    again: Vec<String>,
    tries: u32,
}

impl<'a> Watch<'a> {
    /// From the plan's first event.
    ///
    /// # Errors
    /// When the host does not answer, or there is no such plan.
    pub(super) async fn open(client: &'a Client, id: &'a str) -> anyhow::Result<Self> {
        Ok(Self {
            client,
            id,
            response: Some(client.events(id, None).await?),
            parser: Parser::default(),
            ready: VecDeque::new(),
            last: None,
            since: Vec::new(),
            again: Vec::new(),
            tries: 0,
        })
    }

    /// What happened next, once it happens; `None` if the connection is lost, which the next call
    /// makes again.
    ///
    /// # Errors
    /// When the host does not come back, or says something that is no event.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Told>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                if self.is_new(&message) {
                    let event = serde_json::from_str(&message.data);
                    let event = event.context("the host tells of something unknown")?;
                    return Ok(Some(Told {
                        event,
                        json: message.data,
                        is_last: message.id.is_some(),
                    }));
                }
                continue;
            }
            let Some(response) = &mut self.response else {
                self.connect().await?;
                continue;
            };
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    self.tries = 0;
                    self.ready.extend(self.parser.push(&bytes)?);
                }
                Ok(None) | Err(_) => {
                    self.response = None;
                    self.again = std::mem::take(&mut self.since);
                    return Ok(None);
                }
            }
        }
    }

    /// Whether it was not told before the connection was lost.
    fn is_new(&mut self, message: &Message) -> bool {
        let told = self.again.iter().position(|told| *told == message.data);
        if let Some(index) = told {
            self.again.swap_remove(index);
        }
        if let Some(id) = &message.id {
            self.last = Some(id.clone());
            self.since.clear();
            self.again.clear();
        } else {
            self.since.push(message.data.clone());
        }
        told.is_none()
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.tries >= TRIES {
            bail!(
                "the host did not come back: plan {} goes on once it does",
                plain(self.id)
            );
        }
        let doubled = FIRST_WAIT.saturating_mul(1 << self.tries.min(16));
        tokio::time::sleep(doubled.min(LONGEST_WAIT)).await;
        self.tries = self.tries.saturating_add(1);
        match self.client.events(self.id, self.last.as_deref()).await {
            Ok(response) => {
                self.parser = Parser::default();
                self.response = Some(response);
                Ok(())
            }
            Err(error) => {
                let refused = error.downcast_ref::<Refused>();
                let is_final = refused.is_some_and(|refused| refused.status < 500);
                if is_final { Err(error) } else { Ok(()) }
            }
        }
    }
}
