//! Services that close a connection which was kept open, just as the next request goes out. A write
//! is never sent over one; a read is tried again over one of its own.

use serde_json::json;

use super::{quick, run_alone, unchecked};
use crate::support::{Once, Reply, TestApp, friendly_reply};

/// How often each kind is asked.
const PLANS: usize = 5;

async fn app_with(service: &'static str, once: &Once, idempotent: bool) -> TestApp {
    let url = once.url.clone();
    quick()
        .configure(unchecked)
        .configure(move |config| {
            let service = config.services.get_mut(service).unwrap();
            (service.url, service.idempotent) = (Some(url), idempotent);
        })
        .start()
        .await
}

fn kept_open(service: &str) -> Reply {
    friendly_reply(service).header("connection", "keep-alive")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_gets_a_connection_of_its_own() {
    let once = Once::answering(&kept_open("workflow")).await;
    let app = app_with("workflow", &once, false).await;
    for _ in 0..PLANS {
        let (step, requests) = run_alone(&app, "workflow").await;
        assert_eq!(step["status"], "DONE", "{step}");
        assert_eq!(requests, json!(1));
    }
    assert_eq!((once.answered(), once.cut()), (PLANS, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_was_cut_off_is_tried_over_a_connection_of_its_own() {
    let once = Once::answering(&kept_open("srl")).await;
    let app = app_with("srl", &once, false).await;
    for _ in 0..PLANS {
        let (step, _) = run_alone(&app, "srl").await;
        assert_eq!(step["status"], "DONE", "{step}");
    }
    assert_eq!(once.answered(), PLANS);
    assert!(once.cut() > 0, "no connection was kept");
}

/// A service that does a request with a known key only once may be asked over what is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_may_be_repeated_is() {
    let once = Once::answering(&kept_open("workflow")).await;
    let app = app_with("workflow", &once, true).await;
    for _ in 0..PLANS {
        let (step, _) = run_alone(&app, "workflow").await;
        assert_eq!(step["status"], "DONE", "{step}");
    }
    assert_eq!(once.answered(), PLANS);
}
