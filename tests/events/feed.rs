//! What a stream is fed with, where HTTP can't get at it: a watcher that is far behind.

use std::sync::Arc;

use codex_mesh::plan::{Plan, Starter, Transition};
use codex_mesh::store::{Feed, Position, SqliteStore, Store, Told};
use serde_json::{Value, json};

use crate::support::{TestApp, within};

/// More than the signals that wait for a watcher.
const CHANGES: usize = 3_000;

async fn plan() -> Plan {
    let app = TestApp::start().await;
    let mut plan: Plan = serde_json::from_value(app.create(&json!({})).await).unwrap();
    // The stores here keep no plugins.
    for step in &mut plan.steps {
        step.plugin = None;
    }
    plan
}

async fn tell(feed: &mut Feed, until: &str) -> Vec<Told> {
    let mut told = Vec::new();
    loop {
        told.push(within(feed.next()).await.unwrap());
        if told.last().unwrap().entry.transition == until {
            return told;
        }
    }
}

async fn start_and_release(store: &Arc<dyn Store>, id: &str, times: usize) {
    for _ in 0..times {
        let start = Transition::Start(Starter::Client);
        store.apply(id, &start).await.unwrap();
        let release = Transition::Release("step-1".to_owned());
        store.apply(id, &release).await.unwrap();
    }
}

fn values(told: &[Told]) -> Vec<Value> {
    let value = |told: &Told| serde_json::to_value(&*told.entry).unwrap();
    told.iter().map(value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_far_behind_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let plan = Arc::new(plan().await);
    store.create(Arc::clone(&plan)).await.unwrap();
    let begin = |id| Feed::begin(Arc::clone(&store), id, None);
    let mut one = begin(Some(plan.id.as_str())).await.unwrap();
    let mut all = begin(None).await.unwrap();
    let mut told = vec![within(one.next()).await.unwrap()];
    assert_eq!(told[0].entry.transition, "created");

    start_and_release(&store, &plan.id, 2).await;
    let mut during = begin(Some(plan.id.as_str())).await.unwrap();
    for _ in 0..3 {
        told.push(within(one.next()).await.unwrap());
        assert_eq!(told.last().unwrap().seq, None);
    }
    // From here on nobody looks for longer than signals are kept.
    start_and_release(&store, &plan.id, CHANGES / 2).await;
    let cancel = Transition::Cancel {
        by: "Ada".to_owned(),
        reason: "enough".to_owned(),
    };
    store.apply(&plan.id, &cancel).await.unwrap();
    let (mut history, mut next) = (Vec::new(), Some(Position::default()));
    while let Some(after) = next {
        let part = store.history(&plan.id, after, 1_000).await.unwrap();
        let entries = part.items.into_iter().map(|(_, entry)| entry.unwrap());
        history.extend(entries.map(|entry| serde_json::to_value(entry).unwrap()));
        next = part.next;
    }
    assert_eq!(history.len(), 1 + 4 + CHANGES + 1);

    told.extend(tell(&mut one, "cancelled").await);
    assert_eq!(values(&told), history);
    let all = tell(&mut all, "cancelled").await;
    assert_eq!(values(&all), history[1..]);
    let during = tell(&mut during, "cancelled").await;
    assert_eq!(values(&during), history);
    let last = store.newest_change().await.unwrap();
    for told in [told, all, during] {
        assert_eq!(told.last().unwrap().seq, Some(last));
    }
}

/// Signals tell of every change, and whoever comes between two changes of a batch waits for the
/// row where the order would not be certain.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_the_middle_sees_the_order_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let plan = Arc::new(plan().await);
    store.create(Arc::clone(&plan)).await.unwrap();
    start_and_release(&store, &plan.id, 1).await;
    let mut all = Feed::begin(Arc::clone(&store), None, None).await.unwrap();
    start_and_release(&store, &plan.id, 1).await;
    store.apply(&plan.id, &Transition::Run).await.unwrap();
    let told = tell(&mut all, "run").await;
    let transitions: Vec<&str> = told
        .iter()
        .map(|told| told.entry.transition.as_str())
        .collect();
    assert_eq!(
        transitions,
        ["started", "released", "started", "released", "run"]
    );
    assert!(told[..4].iter().all(|told| told.seq.is_none()));
    assert!(told[4].seq.is_some());
}
