//! Ends the connection of a request from within, where its client leaves what it is sent.

use std::sync::Arc;

use tokio::sync::Notify;

/// Ends one connection. Clones end the same.
#[derive(Debug, Clone, Default)]
pub(super) struct HangUp(Arc<Notify>);

impl HangUp {
    /// Ends it, whatever is under way.
    pub(super) fn now(&self) {
        self.0.notify_one();
    }

    /// Waits until it is to end.
    pub(super) async fn wanted(&self) {
        self.0.notified().await;
    }
}
