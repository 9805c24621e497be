//! A service that says what it was sent, in every way it can, tells it to nobody.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{CORE, VALUE};
use crate::support::{
    Binary, Events, Reply, Request, Stub, TestApp, assert_has, folder, friendly, friendly_reply,
    guest, http, start_hostile,
};

/// A header of the operator's, which no plugin names.
const OWN: &str = "Bearer k9Vs-0wn-h34d3r";
const OWN_CORE: &str = "k9Vs-0wn-h34d3r";

/// The password in the service's address.
const PASSWORD: &str = "pw4-in-addr3ss";

/// What the service says of a request with a secret, and the status with which it does.
struct Echo {
    status: u16,
    body: fn(&str) -> String,
}

const ECHOES: [Echo; 8] = [
    Echo {
        status: 200,
        body: str::to_owned,
    },
    Echo {
        status: 202,
        body: |told| {
            json!({"you": {"said": told}})
                .to_string()
                .replace('/', "\\/")
        },
    },
    Echo {
        status: 403,
        body: |told| STANDARD.encode(format!("{told}.")) + " " + &URL_SAFE_NO_PAD.encode(told),
    },
    Echo {
        status: 503,
        body: |told| format!("{} {}", told.to_uppercase(), percent(told)),
    },
    Echo {
        status: 500,
        body: |told| told.bytes().map(|byte| format!("{byte:02X}")).collect(),
    },
    Echo {
        status: 302,
        body: |told| format!("<a href=\"/{}\">moved</a>", percent(told)),
    },
    // A form of its own, which nothing here knows but the plugin, who makes the text of it.
    Echo {
        status: 200,
        body: |told| format!("\"{}\"", escaped(told)),
    },
    Echo {
        status: 200,
        body: |told| json!(told).to_string(),
    },
];

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// JSON's escapes for every second letter.
fn escaped(text: &str) -> String {
    let each = text.chars().enumerate().map(|(index, c)| match c {
        c if index % 2 == 0 || !c.is_ascii_alphanumeric() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    each.collect()
}

/// Says everything that it was told, in body and headers.
fn echo(request: &Request, echo: &Echo) -> Reply {
    let told: String = ["authorization", "x-own", "x-token"]
        .iter()
        .filter_map(|name| {
            Some(format!(
                "{name}={}; ",
                request.headers.get(*name)?.to_str().ok()?
            ))
        })
        .collect();
    Reply::new(
        echo.status,
        &format!("text/plain; told={VALUE}"),
        &(echo.body)(&told),
    )
    .header("retry-after", VALUE)
    .header(
        "location",
        &format!("http://127.0.0.1:1/?{}", percent(VALUE)),
    )
    .header("set-cookie", VALUE)
    .header("x-echo", VALUE)
}

/// The answers of the host, its log, and what is on its disk.
#[derive(Default)]
struct Heard(Vec<(String, Vec<u8>)>);

impl Heard {
    fn add(&mut self, place: impl Into<String>, what: impl Into<Vec<u8>>) {
        self.0.push((place.into(), what.into()));
    }

    fn folder(&mut self, path: &Path) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else {
                self.add(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }

    fn has(&self, text: &str) -> bool {
        let has = |what: &Vec<u8>| what.windows(text.len()).any(|part| part == text.as_bytes());
        self.0.iter().any(|(_, what)| has(what))
    }

    fn assert_without(&self, secret: &str) {
        // The last letters of a group depend on what follows.
        let base64 = |text: &str| STANDARD.encode(text).trim_end_matches('=').to_owned();
        let short = |text: &str| base64(text)[..text.len() - 2].to_lowercase();
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![secret.to_lowercase(), hex, percent(secret).to_lowercase()];
        forms.extend((0..3).map(|skip| short(&secret[skip..])));
        for (place, what) in &self.0 {
            let what = what.to_ascii_lowercase();
            for form in &forms {
                let found = what
                    .windows(form.len())
                    .position(|part| part == form.as_bytes());
                let around = found.map(|at| {
                    let around = &what[at.saturating_sub(200)..(at + 100).min(what.len())];
                    String::from_utf8_lossy(around).into_owned()
                });
                assert_eq!(around, None, "{form} in {place}");
            }
        }
    }
}

async fn post(url: &str, path: &str, body: &Value) -> Value {
    let request = http().post(format!("{url}{path}"));
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn get(url: &str, path: &str) -> String {
    let answer = http().get(format!("{url}{path}")).send().await.unwrap();
    answer.text().await.unwrap()
}

/// Runs a plan in which the hostile step sends the secret; everything that is said of it.
async fn run(url: &str, goal: &str, heard: &mut Heard) -> Value {
    let kinds = ["autonomy", "srl", "hardening", "hostile"];
    let steps = kinds.map(|kind| json!({"kind": kind}));
    let body = json!({
        "sessionId": "s1", "domain": "social", "mode": "LIVE", "goal": goal, "steps": steps,
    });
    let mut answer = post(url, "/mesh/create", &body).await;
    heard.add("create", answer.to_string());
    let id = answer["plan"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned();
    for _ in kinds {
        answer = post(url, "/mesh/step", &json!({"planId": id})).await;
        heard.add("step", answer.to_string());
    }
    for path in ["/mesh/plan?id=", "/mesh/history?id="] {
        heard.add(path, get(url, &format!("{path}{id}")).await);
    }
    let mut events = Events::open(url, &format!("?id={id}"), None).await;
    loop {
        let block = events.block().await.unwrap();
        let over = block.contains(r#""step":"step-4""#) && block.contains("event: finished");
        heard.add("events", block);
        if over {
            return answer["plan"]["steps"][3].clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_echoes_is_kept_from_everybody() {
    let friendly: std::collections::BTreeMap<_, _> = friendly().into();
    let mut stubs = Vec::new();
    let mut config = String::new();
    let mut echoing = None;
    let mut brain = None;
    for (name, reply) in friendly {
        let stub = Stub::answering(reply).await;
        let url = match name {
            "srl" => stub
                .url
                .replace("http://", &format!("http://mesh:{PASSWORD}@")),
            _ => stub.url.clone(),
        };
        config += &format!("[services.{name}]\nurl = {url:?}\n");
        match name {
            "srl" => echoing = Some(stub.clone()),
            "brain" => brain = Some(stub.clone()),
            _ => {}
        }
        stubs.push(stub);
    }
    config += &format!("[services.srl.headers]\nx-own = {OWN:?}\n");
    config += "[plugin.hostile.secrets]\nsrl = [\"token\"]\n";
    config += "[plugin.hostile.grants]\nsrl = [\"reads\"]\n";
    let files = folder([
        ("mesh.toml", config.as_bytes()),
        ("hostile.wasm", guest("hostile")),
    ]);
    let data = tempfile::tempdir().unwrap();
    let mut host = Binary::run("serve", data.path())
        .args(&["--config", files.path().join("mesh.toml").to_str().unwrap()])
        .args(&["--plugins", files.path().to_str().unwrap()])
        .env("MESH_SECRETS__TOKEN", VALUE)
        .env("RUST_LOG", "trace,wasmtime=info,cranelift=info")
        .spawn();
    let url = host.url();

    let (echoing, brain) = (echoing.unwrap(), brain.unwrap());
    let mut heard = Heard::default();
    for (index, case) in ECHOES.iter().enumerate() {
        let usual = friendly_reply("srl");
        echoing.answer_with(move |request| match request.headers.get("authorization") {
            Some(value) if value == VALUE => echo(request, &ECHOES[index]),
            _ => usual.clone(),
        });
        let step = run(&url, "shape:secret=token", &mut heard).await;
        let ended = if [200, 202].contains(&case.status) {
            "DONE"
        } else {
            "ERROR"
        };
        assert_eq!(step["status"], ended, "{step:#}");
        assert_has(&step.to_string(), &["[secret]"]);
    }
    let sent = echoing.requests();
    let told = |name: &str, value: &str| {
        sent.iter()
            .filter(|request| request.headers.get(name).is_some_and(|is| is == value))
            .count()
    };
    // Every plan's, and the one that the service could not answer more than once.
    assert_eq!(told("authorization", VALUE), ECHOES.len() + 2);
    assert!(told("x-own", OWN) >= 2 * ECHOES.len());

    for request in brain.asked(6 * ECHOES.len()).await {
        heard.add("brain", format!("{request:?}"));
    }
    for path in [
        "/plugins",
        "/plugins/hostile",
        "/mesh/plans",
        "/mesh/status",
    ] {
        heard.add(path, get(&url, path).await);
    }
    heard.folder(data.path());
    host.signal("TERM");
    assert!(host.ended().success());
    heard.folder(data.path());
    heard.add("stdout", host.stdout.rest());
    let log = host.stderr.rest();
    assert_has(&log, &["TRACE", "hostile", "[secret]"]);
    heard.add("the log", log);

    assert!(
        heard.has("shape:secret=token"),
        "it is not looked in the right places"
    );
    for secret in [CORE, OWN_CORE, PASSWORD] {
        heard.assert_without(secret);
    }
}

/// Two writes that look the same to who approves them could be different ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_can_not_be_shown_whole_is_not_sent() {
    for (escaped, status, times) in [
        (r"\u0031234567\u0038", "ERROR", 1),
        (r"\u0031234567\u0039", "DONE", 2),
    ] {
        let answer = Reply::new(200, "application/json", &format!("\"{escaped}\""));
        let builder = TestApp::builder()
            .service("srl", answer)
            .configure(|config| {
                config.policy.live_requires = Vec::new();
                let number = serde_json::from_value(json!("12345678")).unwrap();
                config.secrets.insert("number".to_owned(), number);
            });
        let app = start_hostile(builder).await;
        let body = json!({"goal": "interpret:write-decoded", "steps": [{"kind": "hostile"}], "mode": "LIVE"});
        let plan = app.step(&app.create(&body).await).await;
        assert_eq!(plan["steps"][0]["status"], status, "{plan:#}");
        let error = plan["steps"][0]["error"].as_str().unwrap_or_default();
        assert_eq!(error.contains("the value of a secret"), status == "ERROR");
        assert!(!error.contains("nobody told it"), "{error}");
        assert_eq!(app.asked("srl"), times);
    }
}

/// An echo in a form that only the plugin knows is recorded like anything else that is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_has_no_value_in_it() {
    let escaped = r"\u00733cr3t-\u006ff-the-client";
    let builder = TestApp::builder()
        .service(
            "srl",
            Reply::new(200, "application/json", &format!("\"{escaped}\"")),
        )
        .configure(|config| {
            let secret = serde_json::from_value(json!("s3cr3t-of-the-client")).unwrap();
            config.secrets.insert("token".to_owned(), secret);
            let plugin = config.plugin.entry("hostile".to_owned()).or_default();
            plugin.record = 5;
            let names = vec!["token".to_owned()];
            plugin.secrets.insert("srl".to_owned(), names);
        });
    let app = start_hostile(builder).await;
    let steps = json!([{"kind": "hostile"}]);
    let plan = app
        .create(&json!({"goal": "shape:secret=token", "steps": steps}))
        .await;
    let plan = app.step(&plan).await;
    assert_eq!(
        plan["steps"][0]["result"]["decoded"], "[secret]",
        "{plan:#}"
    );
    let (_, answer) = app.get("/plugins/hostile/recordings").await;
    let verdict = &answer["recordings"][0]["case"]["verdict"];
    assert_eq!(verdict["done"]["decoded"], "[secret]", "{answer:#}");
    assert!(!answer.to_string().contains("s3cr3t-of"), "{answer:#}");
}
