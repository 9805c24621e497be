//! Whatever clients do at the same time, and wherever the host is killed: no write happens twice
//! that nobody asked to repeat, none that is not approved, and none in a mode that does not write.
//! Counted at the services; what was allowed is known from what the test itself asked for.

mod check;
mod client;
mod hang_up;
mod services;
mod world;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::support::{Process, Random};
use world::World;

/// Clients that act at the same time.
const CLIENTS: usize = 6;

/// How often the host is killed at a random moment, and how often at a random commit.
const KILLS: usize = 22;
const COMMITS: u64 = 14;

/// The longest life of a host, in milliseconds.
const LIFE_MS: u64 = 400;

/// Clients do what they like until the host is gone: by itself, or killed after a while.
async fn live(world: &Arc<World>, process: &mut Process, url: &str, random: &mut Random) {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (world, url, random) = (Arc::clone(world), url.to_owned(), random.split());
        clients.spawn(async move { client::act(&world, &url, random).await });
    }
    // It is gone by then, or is killed.
    let _ = tokio::time::timeout(random.up_to_millis(LIFE_MS), process.gone()).await;
    process.kill();
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_interleaving_writes_what_it_must_not() {
    let mut random = Random::seeded("interleaving");
    let world = World::new(&mut random).await;
    let mut lives = vec![None; KILLS];
    for _ in 0..COMMITS {
        let place = if random.below(2) == 0 {
            "before"
        } else {
            "after"
        };
        lives.push(Some(format!("{place}:{}", 1 + random.below(60))));
    }
    for failpoint in lives {
        let variables: Vec<(&str, &str)> = failpoint
            .iter()
            .map(|failpoint| ("CODEX_MESH_FAILPOINT", failpoint.as_str()))
            .collect();
        let mut process = world.program.spawn_with(&variables);
        let Some(url) = process.listening().await else {
            continue;
        };
        // Killed at a commit, it may be gone at any time.
        let checked = check::restarted(&world, &url).await;
        if checked.is_some() && world.create_some(&url, &mut random).await.is_some() {
            live(&world, &mut process, &url, &mut random).await;
        }
    }
    settle(&world).await;
}

/// A host that is left alone: what is run comes to its end, and everything else can be ended.
async fn settle(world: &World) {
    let (_process, url) = world.program.start().await;
    let ids = world.all_ids(&url).await;
    for id in &ids {
        let plan = world.quiet(&url, id).await;
        check::plan(world, &url, &plan).await.expect("it stays up");
    }
    for id in &ids {
        let plan = world.ended(&url, id).await;
        check::plan(world, &url, &plan).await.expect("it stays up");
    }
    let seen = world.seen();
    println!("{} plans, {seen:?}", ids.len());
    assert!(seen.writes > 0, "nothing was written: {seen:?}");
    assert!(seen.repeated > 0, "nothing was repeated: {seen:?}");
    assert!(seen.approved > 0, "nothing was approved: {seen:?}");
    assert_eq!(seen.unseen, 0, "a plan wrote that nobody knows: {seen:?}");
}

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
