//! `GET /mesh/plans`: plans, newest or oldest first, a page at a time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::error::HttpError;
use super::page::{List, Written, page};
use super::query::Parameters;
use super::reader::Reader;
use crate::engine::Engine;
use crate::plan::{Order, View};
use crate::store::{Query, StoreError};

/// Plans of a page that names no limit.
const DEFAULT_LIMIT: usize = 100;

/// Plans of one page at the most.
const LONGEST: usize = 1_000;

/// `limit`, `cursor`, `order`, `domain`, `sessionId`, `status`, `view` → `{ok, plans, unreadable?: [{id, error}], nextCursor?}`.
pub(super) async fn list_plans(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, HttpError> {
    let order = parameters.name("order")?.unwrap_or_default();
    let cursor = parameters.parse("cursor", |text| cursor(text, order))?;
    let limit = parameters.limit(LONGEST)?.unwrap_or(DEFAULT_LIMIT);
    let query = Query {
        order,
        domain: parameters.name("domain")?,
        session_id: parameters.get("sessionId").map(str::to_owned),
        status: parameters.name("status")?,
        ..Query::default()
    };
    let view = parameters.name("view")?.unwrap_or_default();
    let plans = Plans {
        engine,
        query,
        view,
    };
    page(plans, cursor, limit, reader.begin().await?).await
}

/// The plans that were asked for.
struct Plans {
    engine: Arc<Engine>,
    query: Query,
    view: View,
}

impl List for Plans {
    type Cursor = i64;

    const NAME: &'static str = "plans";

    async fn part(&self, after: Option<i64>, most: usize) -> Result<Written<i64>, StoreError> {
        let query = Query {
            cursor: after,
            limit: most,
            ..self.query.clone()
        };
        let part = self.engine.store.plans(query).await?;
        Written::new(part, |plan| plan.json(self.view))
    }

    fn shown(&self, cursor: &i64) -> String {
        format!("{}{cursor}", mark(self.query.order))
    }
}

/// What cursors begin with in this order: in the other one they would skip plans.
fn mark(order: Order) -> &'static str {
    match order {
        Order::Newest => "",
        Order::Oldest => "oldest-",
    }
}

fn cursor(text: &str, order: Order) -> Result<i64, String> {
    let seq = text
        .strip_prefix(mark(order))
        .and_then(|seq| seq.parse().ok());
    seq.filter(|seq| *seq >= 0)
        .ok_or_else(|| format!("must be the nextCursor of the page before, in the order {order}"))
}
