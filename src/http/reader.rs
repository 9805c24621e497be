//! Clients that read what may be large: lists, histories, plans. Each has a place while its answer is
//! read from the store and until it has taken it, so that however many do not read, what is kept for
//! them stays bounded. One that takes nothing is disconnected by [`serve`](super::serve).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::stream::unfold;

use super::App;
use super::error::HttpError;
use super::json::{json, written};
use crate::caller::Caller;
use crate::places::{NoPlace, Place};
use crate::plan::{Plan, View};
use crate::store::StoreError;

/// How long a client that asks for something waits for a place: most are taken for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is answered without a place, in bytes: as much as there may be for every connection.
const SMALL: usize = 64 << 10;

/// Who reads.
pub(super) struct Reader {
    app: App,
    caller: Caller,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self {
            app: app.clone(),
            caller: Caller::from_request_parts(parts, app).await?,
        })
    }
}

impl Reader {
    /// A place, before anything is read.
    pub(super) async fn place(&self) -> Result<Place<Caller>, HttpError> {
        Ok(self.place_within(PATIENCE).await?)
    }

    /// `{ok, plan}` for who has changed a plan. That is done, so where the answer is large it waits
    /// for a place, without the plan.
    pub(super) async fn changed(self, plan: Arc<Plan>) -> Result<Response, HttpError> {
        if plan.carried() <= SMALL {
            return Ok(json(shown(&plan, View::Full)?));
        }
        let readers = &self.app.visitors.readers;
        if let Ok(place) = readers.try_take(&self.caller) {
            return Ok(taken(shown(&plan, View::Full)?, place));
        }
        let id = plan.id.clone();
        drop(plan);
        let patience = Duration::from_millis(self.app.engine.limits().client_ms);
        let place = self.place_within(patience).await.map_err(|why| {
            HttpError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("it is done, and the plan is too large to be shown now, as {why}"),
            )
        })?;
        let plan = self.app.engine.store.plan(&id).await?;
        let plan = plan.ok_or(StoreError::NotFound)?;
        Ok(taken(shown(&plan, View::Full)?, place))
    }

    async fn place_within(&self, patience: Duration) -> Result<Place<Caller>, NoPlace> {
        let readers = &self.app.visitors.readers;
        match tokio::time::timeout(patience, readers.take(&self.caller)).await {
            Ok(place) => place,
            Err(_) => readers.try_take(&self.caller),
        }
    }
}

/// `{ok, plan}`, as much of it as the view has.
pub(super) fn shown(plan: &Plan, view: View) -> Result<String, StoreError> {
    let plan = written(plan.json(view))?;
    Ok(format!(r#"{{"ok":true,"plan":{plan}}}"#))
}

/// An answer with this text, which has the place until the client has taken it.
pub(super) fn taken(text: String, place: Place<Caller>) -> Response {
    if text.len() <= SMALL {
        return json(text);
    }
    let pieces = unfold((Some(text), place), |(text, place)| async {
        Some((Ok::<_, Infallible>(text?), (None, place)))
    });
    json(Body::from_stream(pieces))
}
