//! `GET /mesh/plans`: plans, newest or oldest first, a page at a time.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Serialize, Serializer};

use super::error::HttpError;
use super::query::Parameters;
use crate::engine::Engine;
use crate::plan::{Order, Plan, UnknownName};
use crate::store::{Query, Unreadable};

/// Plans of a page that names no limit.
const DEFAULT_LIMIT: usize = 100;

/// Plans of one page at the most.
const LONGEST: usize = 1_000;

/// `{ok, plans, unreadable?, nextCursor?}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlansAnswer {
    ok: bool,
    #[serde(serialize_with = "shared")]
    plans: Vec<Arc<Plan>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn shared<S: Serializer>(plans: &[Arc<Plan>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(plans.iter().map(Arc::as_ref))
}

/// `limit`, `cursor`, `order`, `domain`, `sessionId`, `status` → `{ok, plans, unreadable?: [{id, error}], nextCursor?}`.
pub(super) async fn list_plans(
    State(engine): State<Arc<Engine>>,
    parameters: Parameters,
) -> Result<Json<PlansAnswer>, HttpError> {
    let order = parameters.parse("order", name)?.unwrap_or_default();
    let query = Query {
        limit: parameters.parse("limit", limit)?.unwrap_or(DEFAULT_LIMIT),
        order,
        cursor: parameters.parse("cursor", |text| cursor(text, order))?,
        domain: parameters.parse("domain", name)?,
        session_id: parameters.get("sessionId").map(str::to_owned),
        status: parameters.parse("status", name)?,
    };
    let page = engine.store.plans(query).await?;
    let next_cursor = page.next_cursor.map(|seq| shown(seq, order));
    Ok(Json(PlansAnswer {
        ok: true,
        plans: page.plans,
        unreadable: page.unreadable,
        next_cursor,
    }))
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text
        .parse()
        .ok()
        .filter(|limit| (1..=LONGEST).contains(limit));
    limit.ok_or_else(|| format!("must be a number from 1 to {LONGEST}"))
}

/// What cursors begin with in this order: in the other one they would skip plans.
fn mark(order: Order) -> &'static str {
    match order {
        Order::Newest => "",
        Order::Oldest => "oldest-",
    }
}

fn shown(seq: i64, order: Order) -> String {
    format!("{}{seq}", mark(order))
}

fn cursor(text: &str, order: Order) -> Result<i64, String> {
    let seq = text
        .strip_prefix(mark(order))
        .and_then(|seq| seq.parse().ok());
    seq.filter(|seq| *seq >= 0)
        .ok_or_else(|| format!("must be the nextCursor of the page before, in the order {order}"))
}

fn name<T: FromStr<Err = UnknownName>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: UnknownName| error.to_string())
}
