//! What the program says is best effort: nobody has to read it, and a disk may be full. What was sent
//! to it from elsewhere reaches no terminal and no log but as text.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use serde_json::{Value, json};

use super::{UNSEEN, assert_only_text, mesh, only_plan};
use crate::support::{
    Binary, BinaryBuilder, Reply, Stub, Terminal, TestApp, assert_has, friendly, http, within,
};

/// A file that has no room.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Where nobody reads any more.
fn closed() -> File {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    OwnedFd::from(writer).into()
}

/// A pipe whose reader is there and does not read, and which is full.
fn blocked() -> (std::io::PipeReader, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    let file = File::from(OwnedFd::from(writer));
    // SAFETY: the descriptor is open for as long as the file lives.
    let set = unsafe {
        use std::os::fd::AsRawFd;
        libc::fcntl(file.as_raw_fd(), libc::F_SETPIPE_SZ, 4_096)
    };
    assert!(set >= 0);
    (reader, file)
}

/// `serve`, with friendly services and a log that says a lot; the brain among them.
async fn serving(data: &Path, address: &str) -> (BinaryBuilder, Stub) {
    let mut host = Binary::run("serve", data)
        .env("MESH_LISTEN", address)
        .env("RUST_LOG", "codex_mesh=trace,hyper_util=trace");
    let mut brain = None;
    for (name, reply) in friendly() {
        let stub = Stub::answering(reply).await;
        host = host.env(
            &format!("MESH_SERVICES__{}__URL", name.to_uppercase()),
            &stub.url,
        );
        if name == "brain" {
            brain = Some(stub);
        }
    }
    (host, brain.unwrap())
}

/// The host's answer, once there is a host.
async fn get(url: &str, path: &str) -> Value {
    let asked = async {
        loop {
            if let Ok(answer) = http().get(format!("{url}{path}")).send().await {
                return answer.text().await.unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    serde_json::from_str(&within(asked).await).unwrap()
}

async fn post(url: &str, path: &str, body: Value) -> (u16, Value) {
    let request = http().post(format!("{url}{path}"));
    let request = request.header("content-type", "application/json");
    let answer = within(request.body(body.to_string()).send()).await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    )
}

/// Plans are run, stored, and told to the audit log, which fails at first: each failure is a line.
async fn works_as_ever(url: &str, brain: &Stub) {
    brain.answer(Reply::new(500, "text/plain", "no"));
    let create = json!({"sessionId": "s1", "domain": "social", "goal": "Grow", "mode": "LIVE"});
    for _ in 0..20 {
        let (status, answer) = post(url, "/mesh/create", create.clone()).await;
        assert_eq!(status, 200, "{answer}");
        let run = json!({"planId": answer["plan"]["id"], "wait": true});
        let (status, answer) = post(url, "/mesh/run", run).await;
        assert_eq!((status, &answer["plan"]["status"]), (200, &json!("DONE")));
    }
    let failed = brain.asked(2).await.len();
    brain.answer(Reply::json(
        200,
        &json!({"ok": true, "record": {"id": "r"}}),
    ));
    // Created, and at the end: what is told of each at least.
    brain.asked(failed + 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_need_its_output() {
    for (stdout, stderr) in [(full(), full()), (closed(), closed())] {
        let data = tempfile::tempdir().unwrap();
        let port = crate::support::Port::reserve();
        let url = port.url();
        let (host, brain) = serving(data.path(), &port.address()).await;
        let mut host = host.spawn_to(Some(stdout), Some(stderr));
        get(&url, "/health").await;
        works_as_ever(&url, &brain).await;
        let status = get(&url, "/mesh/status").await;
        assert!(status["log"]["lostLines"].as_u64().unwrap() > 0, "{status}");
        for (name, health) in status["background"].as_object().unwrap() {
            assert_eq!(health["restarts"], 0, "{name}");
        }
        host.signal("TERM");
        assert_eq!(host.ended().code(), Some(0));
    }
}

/// Nor does it wait for somebody who does not read it, and it says how much they missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_wait_for_who_reads_its_log() {
    let data = tempfile::tempdir().unwrap();
    let (host, brain) = serving(data.path(), "127.0.0.1:0").await;
    let (_reader, log) = blocked();
    let mut host = host.spawn_to(None, Some(log));
    let url = host.url();
    works_as_ever(&url, &brain).await;
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
    assert_has(&host.stdout.rest(), &["stopping", "stopped"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_enough_ends_a_command_quietly() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.create(&json!({})).await;
    }
    for args in [
        &["run", "--domain", "social", "--goal", "Grow", "--json"][..],
        &["run", "--domain", "social", "--goal", "Grow"],
        &["plans"],
        &["plans", "--json"],
        &["plugin", "list"],
        &["plugin", "list", "srl", "--json"],
        &["brain", "parked"],
        &["--help"],
        &["run", "--help"],
    ] {
        let mut command = mesh(&app.url, args).spawn_to(Some(closed()), None);
        // As shells have it for what SIGPIPE ends; never what would say that a plan is done.
        assert_eq!(command.ended().code(), Some(141), "{args:?}");
        assert_eq!(command.stderr.rest(), "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_and_can_not_be_written_is_an_error() {
    let app = TestApp::start().await;
    for args in [
        &["run", "--domain", "social", "--goal", "Grow", "--json"][..],
        &["plans"],
        &["plugin", "list", "srl"],
    ] {
        let mut command = mesh(&app.url, args).spawn_to(Some(full()), None);
        assert_eq!(command.ended().code(), Some(1), "{args:?}");
        let error = command.stderr.rest();
        assert_has(
            &error,
            &["error: the output can't be written", "No space left"],
        );
        // Nor does it matter whether that can be said.
        let mut command = mesh(&app.url, args).spawn_to(Some(full()), Some(full()));
        assert_eq!(command.ended().code(), Some(1), "{args:?}");
    }
}

/// Of goals, sessions, names of files and answers of services.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_unseen_reaches_a_terminal_or_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    let name = UNSEEN.replace('\u{1b}', "\u{1b}x");
    std::fs::write(plugins.join(format!("{name}.wasm")), "no component").unwrap();
    let (host, brain) = serving(&folder.path().join("data"), "127.0.0.1:0").await;
    let autonomy = Stub::answering(Reply::new(
        500,
        "application/json",
        &json!({
            "ok": false, "error": format!("woe {UNSEEN}"),
        })
        .to_string(),
    ))
    .await;
    brain.answer(Reply::new(500, "text/plain", UNSEEN));
    let mut host = host
        .arg("--plugins")
        .arg(&plugins)
        .env("MESH_SERVICES__AUTONOMY__URL", &autonomy.url)
        .spawn();
    let url = host.url();
    host.stderr.with("is skipped");
    let goal = format!("Grow {UNSEEN} tall");
    let mut shown = String::new();
    for args in [
        &["run", "--domain", "social", "--goal", &goal][..],
        &["run", "--domain", "social", "--goal", &goal, "--json"],
        &["plans"],
        &["plans", "--json"],
        &["plan", UNSEEN],
        &["plugin", "check", plugins.join(UNSEEN).to_str().unwrap()],
        &["plugin", "push", plugins.join(UNSEEN).to_str().unwrap()],
        &["plugin", "list", UNSEEN],
        &["plans", "--status", UNSEEN],
        &[UNSEEN],
    ] {
        let ended = mesh(&url, args).ends();
        shown += &(ended.stdout + "\n" + &ended.stderr + "\n");
        if args.contains(&"--json") {
            for line in shown.lines().filter(|line| line.starts_with('{')) {
                let read: Value = serde_json::from_str(line).unwrap();
                assert!(read.is_object());
            }
        }
    }
    assert_has(
        &shown,
        &[
            "Grow \\u{1b}[31m",
            "woe  [31m 2J \\u{ad}",
            "\\u{3164}",
            "\\ud",
            "\\u{e0041}",
        ],
    );
    brain.asked(2).await;
    host.signal("TERM");
    assert!(host.ended().success());
    let log = host.stderr.rest();
    assert_has(&log, &[".wasm", "\\u{2060}"]);
    shown += &(log + &host.stdout.rest());
    assert_only_text(&shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_colours_on_a_terminal_and_nowhere_else() {
    let start = |name: &str, value: &str| {
        let data = tempfile::tempdir().unwrap();
        let host = Binary::run("serve", data.path()).env("TERM", "xterm");
        let host = host.env_remove("NO_COLOR").env(name, value);
        // Something to warn of.
        std::fs::write(data.path().join("none.wasm"), "no component").unwrap();
        let host = host.arg("--plugins").arg(data.path());
        (data, host)
    };
    for (name, value, coloured) in [
        ("LANG", "C", true),
        ("NO_COLOR", "1", false),
        ("NO_COLOR", "", true),
        ("TERM", "dumb", false),
    ] {
        let (_data, host) = start(name, value);
        let mut terminal = Terminal::open();
        let mut host = host.spawn_on(&terminal);
        terminal.wait_for("none.wasm");
        host.kill().unwrap();
        host.wait().unwrap();
        let shown = terminal.rest();
        assert_eq!(
            shown.contains('\u{1b}'),
            coloured,
            "{name}={value}: {shown:?}"
        );
    }
    let (_data, host) = start("LANG", "C");
    let mut host = host.spawn();
    host.stderr.with("none.wasm");
    host.signal("TERM");
    host.ended();
    let log = host.stderr.rest();
    assert_has(&log, &["WARN", "none.wasm"]);
    assert_only_text(&log);
}

/// The host's own answers say what came as it came.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_gives_a_goal_as_it_came() {
    let app = TestApp::start().await;
    app.create(&json!({"goal": format!("Grow {UNSEEN}")})).await;
    assert_eq!(only_plan(&app).await["goal"], format!("Grow {UNSEEN}"));
}
