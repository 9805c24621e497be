//! Ends the connection of a client that leaves what it is sent. The kernel notices one that takes
//! nothing, on some systems; here it is one that does not take the next piece in time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

/// Ends one connection. Clones end the same; [`serve`](super::serve) gives one with every request.
#[derive(Debug, Clone, Default)]
pub(super) struct HangUp(Arc<Notify>);

impl<S: Sync> FromRequestParts<S> for HangUp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Only a router that is not served has no connections.
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

impl HangUp {
    /// Waits until the connection is to end.
    pub(super) async fn wanted(&self) {
        self.0.notified().await;
    }

    /// Hangs up once the client has had the same piece for so long.
    pub(super) fn after(self, patience: Duration) -> Pieces {
        let (given, seen) = watch::channel(None);
        tokio::spawn(self.watch(seen, patience));
        Pieces(given)
    }

    /// Ends with the answer.
    async fn watch(self, mut given: watch::Receiver<Option<Instant>>, patience: Duration) {
        loop {
            let since = *given.borrow_and_update();
            let changed = given.changed();
            let outcome = match since {
                None => changed.await,
                Some(since) => {
                    let left = patience.saturating_sub(since.elapsed());
                    match timeout(left, changed).await {
                        Ok(outcome) => outcome,
                        Err(_) => return self.0.notify_one(),
                    }
                }
            };
            if outcome.is_err() {
                return;
            }
        }
    }
}

/// The pieces of an answer, of which the client has one or wants the next.
pub(super) struct Pieces(watch::Sender<Option<Instant>>);

impl Pieces {
    /// It was given one.
    pub(super) fn given(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    /// It wants the next.
    pub(super) fn wanted(&self) {
        self.0.send_replace(None);
    }
}
