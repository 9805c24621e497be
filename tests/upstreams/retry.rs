//! Reads are tried again; writes only where that is certain to be safe.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{quick, run_alone, unchecked};
use crate::support::{PATIENCE, Port, Reply, Stub, TestApp, assert_has, raw, recorded};

/// Fails `times` times, then answers like this.
async fn failing_first(times: usize, failure: Reply, then: Reply) -> Stub {
    let mut left = times;
    Stub::with(move |_| {
        if left == 0 {
            return then.clone();
        }
        left -= 1;
        failure.clone()
    })
    .await
}

async fn app_with(service: &'static str, url: String) -> TestApp {
    quick()
        .configure(unchecked)
        .configure(move |config| config.services.get_mut(service).unwrap().url = Some(url))
        .start()
        .await
}

fn clean() -> Reply {
    recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_tried_again() {
    for status in [429, 502, 503, 504] {
        let srl = failing_first(2, Reply::json(status, &json!({})), clean()).await;
        let app = app_with("srl", srl.url.clone()).await;
        let (step, requests) = run_alone(&app, "srl").await;
        assert_eq!(step["status"], "DONE", "{step}");
        assert_eq!((srl.requests().len(), requests), (3, json!(3)), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_not_tried_for_ever() {
    let app = quick()
        .service("srl", Reply::json(503, &json!({})))
        .start()
        .await;
    let (step, requests) = run_alone(&app, "srl").await;
    assert_has(step["error"].as_str().unwrap(), &["srl answered 503"]);
    assert_eq!((app.asked("srl"), requests), (3, json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_final_is_not_asked_for_again() {
    for status in [200, 204, 302, 400, 404, 500] {
        let app = quick()
            .service("srl", Reply::json(status, &json!({})))
            .start()
            .await;
        let (step, requests) = run_alone(&app, "srl").await;
        assert_eq!(step["status"], "ERROR", "{step}");
        assert_eq!((app.asked("srl"), requests), (1, json!(1)), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_may_have_arrived_is_never_sent_again() {
    for status in [429, 502, 503, 504] {
        let app = quick()
            .configure(unchecked)
            .service("workflow", Reply::json(status, &json!({})))
            .start()
            .await;
        let (step, _) = run_alone(&app, "workflow").await;
        assert_eq!(step["status"], "ERROR", "{step}");
        assert_eq!(app.asked("workflow"), 1, "{status}");
    }
    let cut = raw("HTTP/1.1 200 OK\r\n").await;
    let (step, requests) = run_alone(&app_with("workflow", cut).await, "workflow").await;
    assert_has(step["error"].as_str().unwrap(), &["closed the connection"]);
    assert_eq!(requests, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_refused_is_tried_again() {
    let port = Port::reserve();
    let app = app_with("workflow", port.url()).await;
    let (step, requests) = run_alone(&app, "workflow").await;
    assert_has(step["error"].as_str().unwrap(), &["refused the connection"]);
    assert_eq!(requests, json!(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotent_write_is_tried_again_with_the_same_key() {
    let created = recorded("workflow.json", "create_good_as_mesh_sends");
    let workflow = failing_first(2, Reply::json(503, &json!({})), created).await;
    let url = workflow.url.clone();
    let app = quick()
        .configure(unchecked)
        .configure(move |config| {
            let service = config.services.get_mut("workflow").unwrap();
            (service.url, service.idempotent) = (Some(url), true);
        })
        .start()
        .await;
    let (step, _) = run_alone(&app, "workflow").await;
    assert_eq!(step["status"], "DONE", "{step}");
    let requests = workflow.requests();
    let keys: Vec<_> = requests
        .iter()
        .map(|request| &request.headers["idempotency-key"])
        .collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept() {
    let wait = Reply::json(429, &json!({})).header("retry-after", "1");
    let srl = failing_first(1, wait, clean()).await;
    let app = app_with("srl", srl.url.clone()).await;
    let began = Instant::now();
    let (step, _) = run_alone(&app, "srl").await;
    assert_eq!(step["status"], "DONE", "{step}");
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

/// A date is as good as seconds, and the service's own clock counts for it.
#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept_as_a_date() {
    let wait = Reply::json(503, &json!({}))
        .header("date", "Sun, 06 Nov 1994 08:49:36 GMT")
        .header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
    let srl = failing_first(1, wait, clean()).await;
    let app = app_with("srl", srl.url.clone()).await;
    let began = Instant::now();
    let (step, _) = run_alone(&app, "srl").await;
    assert_eq!(step["status"], "DONE", "{step}");
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
}

/// The plugin is told the same, in seconds, and so is whoever steps by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_asks_for_an_hour_gets_it() {
    for (date, until) in [
        ("", "3600"),
        (
            "Sun, 06 Nov 1994 07:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ),
        (
            "Sun, 06 Nov 1994 07:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
        ),
        ("Sunday, 06-Nov-94 07:49:37 GMT", "Sun Nov  6 08:49:37 1994"),
    ] {
        let wait = Reply::json(503, &json!({})).header("retry-after", until);
        let wait = match date {
            "" => wait,
            date => wait.header("date", date),
        };
        let app = quick().service("srl", wait).start().await;
        let (step, _) = run_alone(&app, "srl").await;
        assert_has(step["error"].as_str().unwrap(), &["503", "3600000 ms"]);
        assert_eq!(app.asked("srl"), 1, "{until}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_past_asks_for_no_wait() {
    let wait = Reply::json(503, &json!({})).header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
    let srl = failing_first(2, wait, clean()).await;
    let app = app_with("srl", srl.url.clone()).await;
    let (step, requests) = run_alone(&app, "srl").await;
    assert_eq!((&step["status"], requests), (&json!("DONE"), json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_deadline_holds_over_all_tries() {
    let app = quick()
        .configure(|config| {
            config.limits.step_ms = 400;
            config.retry.tries = 1_000;
        })
        .start()
        .await;
    app.stub("srl").hold();
    let began = Instant::now();
    let (step, _) = run_alone(&app, "srl").await;
    assert_has(
        step["error"].as_str().unwrap(),
        &["srl", "did not answer within"],
    );
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}
