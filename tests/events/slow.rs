//! A client that does not read: it is disconnected, nothing grows for it, and it goes on later.

use rusqlite::{Connection, params};
use serde_json::json;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Events, TestApp, parse, within};

/// Rows, and characters of each. Far more than the system's own buffers hold.
const ROWS: i64 = 4_000;
const SIZE: usize = 8_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_let_go_and_can_go_on() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let data = app.stop().await;
    let reason = "x".repeat(SIZE);
    fill(
        &data.path().join("mesh.db"),
        plan["id"].as_str().unwrap(),
        &reason,
    );
    let app = TestApp::builder()
        .data(data)
        .configure(|config| {
            config.limits.client_ms = 300;
            config.limits.event_streams = 1;
        })
        .start()
        .await;

    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://"))
        .await
        .unwrap();
    SockRef::from(&stream)
        .set_recv_buffer_size(64 << 10)
        .unwrap();
    let request = b"GET /mesh/events HTTP/1.1\r\nhost: localhost\r\nlast-event-id: 0\r\n\r\n";
    stream.write_all(request).await.unwrap();
    // Until it has begun to answer, the place is free for whoever asks next.
    within(stream.readable()).await.unwrap();
    // The one stream there may be is free again once the host has let go of the client.
    Events::room(&app.url).await;

    let mut bytes = Vec::new();
    // It was reset, or just closed; what had arrived before is there.
    let _ = within(stream.read_to_end(&mut bytes)).await;
    let total = usize::try_from(ROWS).unwrap() * SIZE;
    assert!(bytes.len() < total / 2, "{} of {total} bytes", bytes.len());
    let text = String::from_utf8_lossy(&bytes);
    let seen: Vec<i64> = unchunked(&text)
        .filter_map(|block| parse(&block)?.id)
        .collect();
    let last = seen.last().copied().unwrap_or(0);
    assert_eq!(seen, (1..=last).collect::<Vec<_>>());

    Events::room(&app.url).await;
    let mut rest = Vec::new();
    let mut events = Events::open(&app.url, "", Some(last)).await;
    while rest.last() != Some(&(ROWS + 1)) {
        rest.push(events.next().await.unwrap().id.unwrap());
    }
    assert_eq!(rest, (last + 1..=ROWS + 1).collect::<Vec<_>>());
}

/// Adds rows to the history of a plan, as large as they may be.
fn fill(database: &std::path::Path, plan: &str, reason: &str) {
    let mut connection = Connection::open(database).unwrap();
    let entry = json!([{
        "at": "2026-01-01T00:00:00.000Z", "actor": "client", "transition": "skipped",
        "status": "DONE", "step": "step-1", "reason": reason,
    }]);
    let transaction = connection.transaction().unwrap();
    for _ in 0..ROWS {
        transaction
            .execute(
                "INSERT INTO history (plan_id, entries) VALUES (?1, ?2)",
                params![plan, entry.to_string()],
            )
            .unwrap();
    }
    transaction.commit().unwrap();
}

/// The complete blocks of a chunked answer, each of which is a chunk, or several are.
fn unchunked(answer: &str) -> impl Iterator<Item = String> {
    let (_, mut body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(chunk) = rest.get(..size) else { break };
        text.push_str(chunk);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    let end = text.rfind("\n\n").unwrap_or(0);
    text.truncate(end);
    let blocks: Vec<String> = text.split("\n\n").map(str::to_owned).collect();
    blocks.into_iter()
}
