//! Whatever a plugin returns: its manifest, its request and its verdict are taken or refused, and
//! what is taken can be stored, sent, and stays with the plugin's own service.

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use codex_mesh::config::Config;
use codex_mesh::engine::{check_request, check_verdict};
use codex_mesh::plan::Outcome;
use codex_mesh::registry::Manifest;
use codex_mesh::sandbox::bindings as wit;
use codex_mesh::services::Catalogue;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    Config::default()
        .catalogue()
        .expect("the defaults are legal")
});

struct Output {
    numbers: (u8, u8, Option<u64>),
    kind: String,
    version: String,
    label: String,
    service: Option<String>,
    path: String,
    description: String,
    json: String,
    headers: Vec<(String, String, bool)>,
}

pub fn run(data: &[u8]) {
    let Ok(output) = output(&mut Unstructured::new(data)) else {
        return;
    };
    manifest(&output);
    request(&output);
    verdict(&output);
}

fn output(data: &mut Unstructured<'_>) -> arbitrary::Result<Output> {
    Ok(Output {
        numbers: Arbitrary::arbitrary(data)?,
        kind: Arbitrary::arbitrary(data)?,
        version: Arbitrary::arbitrary(data)?,
        label: Arbitrary::arbitrary(data)?,
        service: Arbitrary::arbitrary(data)?,
        path: Arbitrary::arbitrary(data)?,
        description: Arbitrary::arbitrary(data)?,
        json: Arbitrary::arbitrary(data)?,
        headers: Arbitrary::arbitrary(data)?,
    })
}

fn method(byte: u8) -> wit::Method {
    match byte % 5 {
        0 => wit::Method::Get,
        1 => wit::Method::Post,
        2 => wit::Method::Put,
        3 => wit::Method::Patch,
        _ => wit::Method::Delete,
    }
}

fn manifest(output: &Output) {
    let said = wit::Manifest {
        kind: output.kind.clone(),
        version: output.version.clone(),
        label: output.label.clone(),
        service: output.service.clone().unwrap_or_else(|| "srl".to_owned()),
        method: method(output.numbers.0),
        endpoint: output.path.clone(),
        description: output.description.clone(),
        settings_schema: output.json.clone(),
    };
    if let Ok(manifest) = Manifest::check(said, &CATALOGUE) {
        assert!(CATALOGUE.get(&manifest.service).is_some());
        assert!(manifest.endpoint.starts_with('/'));
    }
}

fn request(output: &Output) {
    let header = |(name, value, secret): &(String, String, bool)| wit::Header {
        name: name.clone(),
        value: if *secret {
            wit::HeaderValue::Secret(value.clone())
        } else {
            wit::HeaderValue::Text(value.clone())
        },
    };
    let request = wit::Request {
        method: method(output.numbers.0),
        path: output.path.clone(),
        headers: output.headers.iter().map(header).collect(),
        body: (output.numbers.1 & 1 == 0).then(|| output.json.clone()),
    };
    let service = CATALOGUE.get("srl").expect("it is shipped");
    let Some(outgoing) = check_request(&request, service) else {
        return;
    };
    let mut url = service.base.clone();
    url.set_path(outgoing.path.split('?').next().unwrap_or_default());
    assert_eq!(url.host_str(), service.base.host_str());
    assert_eq!(url.port(), service.base.port());
    assert_eq!(
        url.path(),
        outgoing.path.split('?').next().unwrap_or_default()
    );
    assert_eq!(
        outgoing.headers.get_all("idempotency-key").iter().count(),
        1
    );
    assert_eq!(outgoing.headers.get_all("traceparent").iter().count(), 1);
    assert!(!outgoing.headers.contains_key("host"));
}

fn verdict(output: &Output) {
    let (result, reason) = (output.json.clone(), output.description.clone());
    let verdict = match output.numbers.1 % 5 {
        0 => wit::Verdict::Done(result),
        1 => wit::Verdict::NeedsApproval(wit::Reviewed { result, reason }),
        2 => wit::Verdict::Blocked(reason),
        3 => wit::Verdict::Failed(reason),
        _ => wit::Verdict::Retry(wit::RetryLater {
            reason,
            after_ms: output.numbers.2,
        }),
    };
    match check_verdict(verdict) {
        Some(Outcome::Done { result, .. }) => {
            let text = serde_json::to_string(&result).expect("a result can be stored");
            assert_eq!(text, result.as_str());
        }
        Some(Outcome::Error { error }) => assert!(!error.trim().is_empty()),
        Some(Outcome::Later { reason, .. }) => assert!(!reason.trim().is_empty()),
        None => {}
    }
}
