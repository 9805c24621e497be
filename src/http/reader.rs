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
use serde::Serialize;
use tokio::time::timeout;

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
            hang_up: HangUp::from_request_parts(parts, app).await?,
        })
    }
}

impl Reader {
    /// Takes a place, before anything is read.
    pub(super) async fn begin(self) -> Result<Reading, HttpError> {
        let place = self.place(PATIENCE).await?;
        Ok(self.with(place))
    }

    /// An answer that is mostly small, and takes a place only where it isn't.
    pub(super) fn answer(self, answer: &impl Serialize) -> Result<Response, HttpError> {
        let text = written(serde_json::to_string(answer))?;
        if text.len() <= SMALL {
            return Ok(json(text));
        }
        let place = self.app.visitors.readers.try_take(&self.caller)?;
        Ok(self.with(place).whole(text))
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
                format!("it is done, and plan {id} is too large to be shown now, as {why}"),
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
            place,
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
    place: Place<Caller>,
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
        let pieces = self.hang_up.after(self.patience);
        let begun = (Box::pin(texts), Bytes::new(), pieces, self.place);
        let body = unfold(begun, |(mut texts, mut rest, pieces, place)| async {
            pieces.wanted();
            while rest.is_empty() {
                rest = texts.next().await?.into();
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            pieces.given();
            Some((Ok::<_, Infallible>(piece), (texts, rest, pieces, place)))
        });
        json(Body::from_stream(body))
    }
}
