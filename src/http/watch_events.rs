//! `GET /mesh/events`: what happens to one plan, or to all, as server-sent events.
//!
//! Nothing is buffered here but a page of the database: the next event is looked for when the
//! client has taken the one before. A client that does not take it in time is hung up on, and goes on
//! with `Last-Event-ID` where it was.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use serde::Serialize;

use super::App;
use super::error::HttpError;
use super::hang_up::{HangUp, Pieces};
use super::line::Line;
use super::query::Parameters;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::places::Place;
use crate::plan::HistoryEntry;
use crate::store::{Feed, StoreError, Told};

/// How long nothing may happen before the client is told that the stream is alive. Proxies cut
/// connections that are silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `id?`, `lastEventId?` or the header `Last-Event-ID` → `text/event-stream`. One plan is told
/// from its first event, all from now on, or either from behind the last event that was seen.
pub(super) async fn watch_events(
    State(app): State<App>,
    caller: Caller,
    Extension(line): Extension<Line>,
    hang_up: HangUp,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<impl IntoResponse, HttpError> {
    let after = last_seen(&headers, &parameters)?;
    let App {
        engine, visitors, ..
    } = app;
    let place = visitors.streams.try_take(&caller)?;
    let feed = Feed::begin(Arc::clone(&engine.store), parameters.get("id"), after).await?;
    let patience = Duration::from_millis(engine.limits().client_ms);
    let events = events(Watch {
        engine,
        feed,
        line,
        pieces: hang_up.after(patience),
        _place: place,
    });
    // A proxy that collects an answer before it passes it on would keep all of it.
    let headers = [("x-accel-buffering", "no")];
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok((headers, Sse::new(events).keep_alive(keep_alive)))
}

/// The number of the last event that the client has seen. The header wins: a browser that
/// reconnects sends it with the query of its first request.
fn last_seen(headers: &HeaderMap, parameters: &Parameters) -> Result<Option<i64>, HttpError> {
    let number = |text: &str| text.parse().ok().filter(|number: &i64| *number >= 0);
    let wrong = "must be the id of an event";
    match headers.get("last-event-id") {
        Some(value) => {
            let seen = value.to_str().ok().and_then(number);
            let seen = seen.ok_or_else(|| HttpError::bad(format!("Last-Event-ID {wrong}")))?;
            Ok(Some(seen))
        }
        None => parameters.parse("lastEventId", |text| {
            number(text).ok_or_else(|| wrong.to_owned())
        }),
    }
}

/// One open stream.
struct Watch {
    engine: Arc<Engine>,
    feed: Feed,
    line: Line,
    pieces: Pieces,
    _place: Place<Caller>,
}

/// Ends when the host is told to stop: it would wait for the stream otherwise. Ends as well once the
/// client has ended its side and is told what there is: nobody can tell it from one that is gone.
fn events(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(watch, |mut watch| async move {
        watch.pieces.wanted();
        match watch.next().await {
            Ok(told) => told.map(|told| {
                watch.pieces.given();
                (Ok(event(&told)), watch)
            }),
            Err(error) => {
                tracing::warn!("an event stream ends: {error}");
                None
            }
        }
    })
}

impl Watch {
    async fn next(&mut self) -> Result<Option<Told>, StoreError> {
        loop {
            let told = tokio::select! {
                () = self.engine.stopped() => return Ok(None),
                told = self.feed.there() => told?,
            };
            if told.is_some() {
                return Ok(told);
            }
            tokio::select! {
                () = self.engine.stopped() => return Ok(None),
                () = self.line.ended() => return Ok(None),
                more = self.feed.more() => more?,
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    plan_id: &'a str,
    #[serde(flatten)]
    entry: &'a HistoryEntry,
}

fn event(told: &Told) -> Event {
    let data = Data {
        plan_id: &told.plan_id,
        entry: &told.entry,
    };
    // Texts and numbers only: nothing in it could fail.
    let data = serde_json::to_string(&data).unwrap_or_default();
    // A line break in a name, which only a damaged database has, would be a panic.
    let name = told.entry.transition.replace(['\r', '\n'], " ");
    let event = Event::default().event(name).data(data);
    match told.seq {
        Some(seq) => event.id(seq.to_string()),
        None => event,
    }
}
