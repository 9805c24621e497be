//! Killed at any instant, the host loses nothing that it acknowledged, repeats no write, and goes
//! on where it was. Over 200 kills: 160 at random moments, the rest at every commit in turn.

mod in_flight;
mod world;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::support::{Process, Random};
use world::{Seen, World};

/// Clients that work at the same time.
const CLIENTS: usize = 5;

/// New plans of one client between two kills.
const PLANS: usize = 2;

/// One life of the host: checked as soon as it listens, then worked with until it is gone.
/// Whether the check came to its end.
async fn live(world: &Arc<World>, process: &mut Process) -> bool {
    let Some(url) = process.listening().await else {
        return false;
    };
    if world.check(&url).await.is_none() {
        return false;
    }
    work(world, &url, PLANS).await;
    true
}

async fn work(world: &Arc<World>, url: &str, plans: usize) {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (world, url) = (Arc::clone(world), url.to_owned());
        clients.spawn(async move { world.drive(&url, plans).await });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

/// A host that is left alone: everything goes on, to its end.
async fn settle(world: &Arc<World>, kills: usize) -> Seen {
    let (_process, url) = world.program.start().await;
    world.check(&url).await.expect("it stays up");
    work(world, &url, 0).await;
    let seen = world.check_all(&url).await;
    assert_intact(&world.program.data().join("mesh.db"));
    Seen { kills, ..seen }
}

fn assert_intact(database: &std::path::Path) {
    let connection = Connection::open(database).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

/// Kills at random moments: mostly while plans are in flight, sometimes while it starts.
async fn kill_at_random(idempotent: bool, kills: usize) -> Seen {
    let mut random = Random::seeded("kills at random moments");
    let world = World::new(idempotent, 12, &mut random).await;
    for _ in 0..kills {
        let mut process = world.program.spawn();
        let early = random.below(8) == 0;
        let moment = random.up_to_millis(if early { 150 } else { 120 });
        if !early {
            let url = process.listening().await.expect("it starts");
            world.check(&url).await.expect("it stays up");
            let world = Arc::clone(&world);
            let working = tokio::spawn(async move { work(&world, &url, PLANS).await });
            tokio::time::sleep(moment).await;
            process.kill();
            working.await.unwrap();
        } else {
            tokio::time::sleep(moment).await;
            process.kill();
        }
    }
    settle(&world, kills).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments() {
    let seen = kill_at_random(false, 110).await;
    println!("{seen:?}");
    assert!(seen.interrupted_writes > 0, "no kill hit a write: {seen:?}");
    assert!(seen.done > 0, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_with_a_service_that_honours_keys() {
    let seen = kill_at_random(true, 50).await;
    println!("{seen:?}");
    assert_eq!(seen.done, seen.plans, "{seen:?}");
}

/// Kills right before and right after the first, second, third … commit, until there is a life
/// that has no more of them.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_persisted_transition() {
    let mut random = Random::seeded("kills at commits");
    let mut kills = 0;
    let mut cut = 0;
    for place in ["before", "after"] {
        let world = World::new(false, 2, &mut random).await;
        let mut here = 0;
        for commit in 1.. {
            let failpoint = format!("{place}:{commit}");
            let variables = [("CODEX_MESH_FAILPOINT", failpoint.as_str())];
            let mut process = world.program.spawn_with(&variables);
            if live(&world, &mut process).await && !is_gone(&mut process).await {
                break;
            }
            process.ended().await;
            here += 1;
        }
        let seen = settle(&world, here).await;
        println!("{place} each commit: {seen:?}");
        kills += seen.kills;
        cut += seen.interrupted_writes;
    }
    println!("{kills} kills at commits");
    assert!(kills >= 40, "a life has more commits than that: {kills}");
    assert!(cut > 0, "no kill hit a write");
}

/// Whether the host died before its clients were done with it, or in what it still had to do.
async fn is_gone(process: &mut Process) -> bool {
    // Deliveries to Brain are commits as well, and go on for a moment.
    tokio::time::timeout(Duration::from_secs(2), process.gone())
        .await
        .is_ok()
}
