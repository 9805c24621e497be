//! Clients that read what is large: each holds a place until it has its answer, and a part of that at
//! the most. Who reads nothing is let go.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use socket2::SockRef;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::support::{Program, TestApp, assert_has, client_at, http, within};

/// Far more than the system's own buffers hold.
const LARGE: usize = 14 << 20;

/// Data with a plan that is done, of which everything is large; its id.
async fn large() -> (Arc<TempDir>, String) {
    let app = TestApp::start().await;
    let steps = json!([{"kind": "ops"}]);
    let plan = app.run(&app.create(&json!({"steps": steps})).await).await;
    assert_eq!(plan["status"], "DONE");
    let id = plan["id"].as_str().unwrap().to_owned();
    let data = app.stop().await;
    let database = Connection::open(data.path().join("mesh.db")).unwrap();
    fill(&database, &id, LARGE);
    let sql = "INSERT INTO outbox (plan_id, session_id, domain, content, created_at, parked_at, last_error)
               VALUES (?1, 's', 'social', '{}', 1, 1, ?2)";
    for _ in 0..100 {
        database.execute(sql, [&id, &"x".repeat(1_000)]).unwrap();
    }
    (data, id)
}

/// As results of this size leave it.
fn fill(database: &Connection, id: &str, size: usize) {
    let result = format!("\"{}\"", "x".repeat(size));
    let sql = "UPDATE plans SET body = json_set(body, '$.steps[0].result', json(?1)) WHERE id = ?2";
    assert_eq!(database.execute(sql, [&result, id]), Ok(1));
    let sql = "UPDATE history SET entries = json_set(entries, '$[#-1].result', json(?1)) WHERE plan_id = ?2";
    assert!(database.execute(sql, [&result, id]).unwrap() > 0);
}

/// A host with one place for readers.
async fn with_one_place(data: Arc<TempDir>, client_ms: u64) -> TestApp {
    TestApp::builder()
        .data(data)
        .configure(move |config| {
            config.limits.readers = 1;
            config.limits.client_ms = client_ms;
        })
        .start()
        .await
}

/// The large answers there are, as requests.
fn requests(id: &str) -> [String; 4] {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let body = json!({"planId": id}).to_string();
    [
        get("/mesh/plans"),
        get(&format!("/mesh/plan?id={id}")),
        get(&format!("/mesh/history?id={id}")),
        // It is done, so it is answered as it is.
        format!(
            "POST /mesh/step HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    ]
}

/// A client at this address that asks, and reads nothing of the answer that has begun.
async fn stuck(url: &str, address: &str, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(format!("{address}:0").parse().unwrap())
        .unwrap();
    SockRef::from(&socket)
        .set_recv_buffer_size(64 << 10)
        .unwrap();
    let host = url.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    within(stream.readable()).await.unwrap();
    stream
}

async fn taken(app: &TestApp, count: usize) {
    app.status_when(|status| status["places"]["readers"]["taken"] == count)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reader_too_many_is_told_to_come_back() {
    let (data, id) = large().await;
    let app = with_one_place(data, 30_000).await;
    for request in requests(&id) {
        let stuck = stuck(&app.url, "127.0.0.1", &request).await;
        taken(&app, 1).await;
        for path in [
            "/mesh/plans?view=summary".to_owned(),
            format!("/mesh/plan?id={id}&view=summary"),
            format!("/mesh/history?id={id}&limit=1"),
            "/mesh/brain/parked".to_owned(),
        ] {
            let refused = http()
                .get(format!("{}{path}", app.url))
                .send()
                .await
                .unwrap();
            assert_eq!(refused.status().as_u16(), 503, "{path}");
            assert_eq!(refused.headers()["retry-after"], "1");
            let body = refused.text().await.unwrap();
            let said = "1 lists, histories and plans are being read, which is the limit ([limits] readers)";
            assert_has(&body, &["\"ok\":false", said]);
        }
        // What is small goes on.
        app.step(&app.create(&json!({})).await).await;
        assert_eq!(app.get("/health").await.0, 200);
        assert_eq!(app.get("/plugins").await.0, 200);
        drop(stuck);
        taken(&app, 0).await;
        let (_, answer) = app.get(&format!("/mesh/plan?id={id}")).await;
        let result = answer["plan"]["steps"][0]["result"].as_str().unwrap();
        assert_eq!(result.len(), LARGE);
        taken(&app, 0).await;
    }
}

/// It has happened, so it is not refused.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_a_large_plan_waits_for_its_answer() {
    let (data, id) = large().await;
    let app = with_one_place(data, 30_000).await;
    let stuck = stuck(&app.url, "127.0.0.1", &requests(&id)[0]).await;
    taken(&app, 1).await;
    let run = json!({"planId": id});
    let running = app.post("/mesh/run", &run);
    let watching = async {
        app.status_when(|status| status["places"]["readers"]["waiting"] == 1)
            .await;
        drop(stuck);
    };
    let ((status, answer), ()) = tokio::join!(running, watching);
    assert_eq!(status, 200);
    let result = answer["plan"]["steps"][0]["result"].as_str().unwrap();
    assert_eq!(result.len(), LARGE);
}

/// Where there is none for too long, it is told that it is done all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_a_place_is_said_to_be_done() {
    let (data, id) = large().await;
    let app = with_one_place(data, 5_000).await;
    let mut slow = stuck(&app.url, "127.0.0.1", &requests(&id)[1]).await;
    let reading = tokio::spawn(async move {
        let mut piece = vec![0; 40_000];
        while let Ok(1..) = slow.read(&mut piece).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    taken(&app, 1).await;
    let retry = json!({"planId": id, "stepId": "step-1"});
    let (status, answer) = app.post("/mesh/step", &json!({"planId": id})).await;
    assert_eq!(status, 503, "a plan of {} bytes", answer.to_string().len());
    let error = answer["error"].as_str().unwrap();
    assert_has(
        error,
        &[
            "it is done, and plan ",
            &id,
            "too large to be shown now, as 1 lists",
        ],
    );
    // What makes it small is answered at once.
    let (status, answer) = app.post("/mesh/retry", &retry).await;
    assert_eq!(
        (status, &answer["plan"]["status"]),
        (200, &json!("PENDING"))
    );
    reading.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_let_go() {
    let (data, id) = large().await;
    let app = with_one_place(data, 300).await;
    for request in requests(&id) {
        let mut stuck = stuck(&app.url, "127.0.0.1", &request).await;
        taken(&app, 0).await;
        let mut bytes = Vec::new();
        // It was reset, or just closed; what had arrived before is there.
        let _ = within(stuck.read_to_end(&mut bytes)).await;
        assert!(bytes.len() < LARGE, "{} bytes", bytes.len());
    }
    let (_, answer) = app.get("/mesh/plans").await;
    assert_eq!(answer["plans"][0]["id"], id);
}

/// A byte now and then is not reading: a piece of the answer has to be taken in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_reads_too_little_is_let_go() {
    let (data, id) = large().await;
    let app = with_one_place(data, 300).await;
    for request in requests(&id) {
        let mut slow = stuck(&app.url, "127.0.0.1", &request).await;
        let (mut bytes, mut piece) = (0, vec![0; 40_000]);
        // A quarter of a megabyte takes twice as long as it may.
        while let Ok(read @ 1..) = within(slow.read(&mut piece)).await {
            bytes += read;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(bytes < LARGE, "{bytes} bytes");
        taken(&app, 0).await;
    }
}

/// One that is slow and not too slow gets everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_its_answer() {
    let (data, id) = large().await;
    let app = with_one_place(data, 3_000).await;
    let mut slow = stuck(&app.url, "127.0.0.1", &requests(&id)[1]).await;
    let (mut bytes, mut piece) = (0, vec![0; 200_000]);
    while bytes < LARGE {
        let read = within(slow.read(&mut piece)).await.unwrap();
        assert_ne!(read, 0, "after {bytes} bytes");
        bytes += read;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    taken(&app, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_leaves_a_place_for_others() {
    let (data, id) = large().await;
    let app = TestApp::builder()
        .data(data)
        .configure(|config| config.limits.readers = 8)
        .start()
        .await;
    let mut held = Vec::new();
    for request in requests(&id).iter().cycle().take(7) {
        held.push(stuck(&app.url, "127.0.0.1", request).await);
    }
    taken(&app, 7).await;
    let summary = format!("{}/mesh/plans?view=summary", app.url);
    let refused = client_at("127.0.0.1").get(&summary).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let said = "7 lists, histories and plans are being read for 127.0.0.1, which is its share of 8";
    assert_has(&refused.text().await.unwrap(), &[said]);
    let other = client_at("127.0.0.2").get(&summary).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 200);
}

/// A line of what the system says of a process' memory, in KiB.
fn memory(process: u32, line: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|text| text.strip_prefix(line))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Plans, and what each has; and clients that read nothing of all of them.
const PLANS: usize = 8;
const SIZE: usize = 8 << 20;
const CLIENTS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_that_do_not_read_take_no_more_than_their_places() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..PLANS {
        let plan = app.create(&json!({"steps": [{"kind": "ops"}]})).await;
        ids.push(app.run(&plan).await["id"].as_str().unwrap().to_owned());
    }
    let data = app.stop().await;
    let database = Connection::open(data.path().join("mesh.db")).unwrap();
    ids.iter().for_each(|id| fill(&database, id, SIZE));
    drop(database);

    let folder = tempfile::tempdir().unwrap();
    // Nobody is let go meanwhile.
    let program = Program::new(
        folder.path(),
        "[limits]\nreaders = 8\nclient_ms = 600000\n",
        [],
    );
    let program = program.keeping(data.path());
    let (host, url) = program.start().await;
    let before = memory(host.id(), "VmRSS:");
    let gets = ids.iter().flat_map(|id| requests(id).into_iter().take(3));
    let mut asking = JoinSet::new();
    for request in gets.cycle().take(CLIENTS) {
        let url = url.clone();
        asking.spawn(async move { stuck(&url, "127.0.0.1", &request).await });
    }
    let held = asking.join_all().await;
    let more = memory(host.id(), "VmHWM:").saturating_sub(before);
    let status = http().get(format!("{url}/mesh/status")).send().await;
    let status: Value = serde_json::from_str(&status.unwrap().text().await.unwrap()).unwrap();
    let readers = &status["places"]["readers"];
    let taken = readers["taken"].as_u64().unwrap();
    assert!((1..=7).contains(&taken), "{readers}");
    // A plan as it is read, as it is written, and on its way. All of them would be 64 MiB a client.
    let places = 7 * 4 * SIZE / 1024;
    assert!(more < places, "{more} KiB for {taken} of {CLIENTS} clients");
    drop(held);
}
