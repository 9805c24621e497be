//! Clients that read what may be large: lists, histories, plans. Each has a place while its answer is
//! read from the store and until it has taken it, so that however many do not read, what is kept for
//! them stays bounded. One that does not take the next piece in time is hung up on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, iter, unfold};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::App;
use super::error::HttpError;
use super::hang_up::HangUp;
use super::json::{json, written};
use crate::caller::Caller;
use crate::places::{NoPlace, Place};
use crate::plan::{Plan, View};
use crate::store::StoreError;

/// How long a client that asks for something waits for a place: most are taken for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is answered without a place, in bytes: as much as there may be for every connection.
const SMALL: usize = 64 << 10;

/// What a client has to take in time, in bytes.
const PIECE: usize = 256 << 10;

/// Who may read.
pub(super) struct Reader {
    app: App,
    caller: Caller,
    hang_up: HangUp,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self {
            app: app.clone(),
            caller: Caller::from_request_parts(parts, app).await?,
            hang_up: parts.extensions.get().cloned().unwrap_or_default(),
        })
    }
}

impl Reader {
    /// Takes a place, before anything is read.
    pub(super) async fn begin(self) -> Result<Reading, HttpError> {
        let place = self.place(PATIENCE).await?;
        Ok(self.with(place))
    }

    /// `{ok, plan}` for who has changed a plan. That is done, so where the answer is large it waits
    /// for a place, without the plan.
    pub(super) async fn changed(self, plan: Arc<Plan>) -> Result<Response, HttpError> {
        let text = shown(&plan, View::Full)?;
        if text.len() <= SMALL {
            return Ok(json(text));
        }
        if let Ok(place) = self.app.visitors.readers.try_take(&self.caller) {
            return Ok(self.with(place).whole(text));
        }
        let id = plan.id.clone();
        drop((plan, text));
        let place = self.place(self.client_time()).await.map_err(|why| {
            HttpError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("it is done, and the plan is too large to be shown now, as {why}"),
            )
        })?;
        let plan = self.app.engine.store.plan(&id).await?;
        let text = shown(&*plan.ok_or(StoreError::NotFound)?, View::Full)?;
        Ok(self.with(place).whole(text))
    }

    async fn place(&self, patience: Duration) -> Result<Place<Caller>, NoPlace> {
        let readers = &self.app.visitors.readers;
        match timeout(patience, readers.take(&self.caller)).await {
            Ok(place) => place,
            Err(_) => readers.try_take(&self.caller),
        }
    }

    fn with(self, place: Place<Caller>) -> Reading {
        Reading {
            _place: place,
            patience: self.client_time(),
            hang_up: self.hang_up,
        }
    }

    fn client_time(&self) -> Duration {
        Duration::from_millis(self.app.engine.limits().client_ms)
    }
}

/// `{ok, plan}`, as much of it as the view has.
pub(super) fn shown(plan: &Plan, view: View) -> Result<String, StoreError> {
    let plan = written(plan.json(view))?;
    Ok(format!(r#"{{"ok":true,"plan":{plan}}}"#))
}

/// An answer that a client reads. It has its place until it has taken it.
pub(super) struct Reading {
    _place: Place<Caller>,
    /// How long it may take for a piece.
    patience: Duration,
    hang_up: HangUp,
}

impl Reading {
    /// An answer with this text.
    pub(super) fn whole(self, text: String) -> Response {
        if text.len() <= SMALL {
            return json(text);
        }
        self.in_parts(iter([text]))
    }

    /// An answer of these texts, each of which is made once the client has taken the one before.
    pub(super) fn in_parts(self, texts: impl Stream<Item = String> + Send + 'static) -> Response {
        let (with_client, watched) = watch::channel(None);
        tokio::spawn(watch_over(watched, self.patience, self.hang_up.clone()));
        let begun = (Box::pin(texts), Bytes::new(), with_client, self);
        let pieces = unfold(begun, |(mut texts, mut rest, with_client, reading)| async {
            with_client.send_replace(None);
            while rest.is_empty() {
                rest = texts.next().await?.into();
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            with_client.send_replace(Some(Instant::now()));
            Some((
                Ok::<_, Infallible>(piece),
                (texts, rest, with_client, reading),
            ))
        });
        json(Body::from_stream(pieces))
    }
}

/// Hangs up on a client that has had the same piece for too long. Ends with the answer.
async fn watch_over(
    mut with_client: watch::Receiver<Option<Instant>>,
    patience: Duration,
    hang_up: HangUp,
) {
    let left = |since: Instant| patience.saturating_sub(since.elapsed());
    loop {
        let since = *with_client.borrow_and_update();
        let changed = with_client.changed();
        let ended = match since {
            None => changed.await,
            Some(since) => match timeout(left(since), changed).await {
                Ok(changed) => changed,
                Err(_) => return hang_up.now(),
            },
        };
        if ended.is_err() {
            return;
        }
    }
}
