//! `codex-mesh dev`: the host, and a local edition of every Codex service that does not answer.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use reqwest::Url;
use tokio::net::TcpListener;

use super::options::Options;
use super::serve;
use crate::dev;
use crate::services::{Catalogue, Client, Outgoing, Service};

/// How long a service may take to show that it is there.
const PROBE: Duration = Duration::from_secs(2);

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let config = options.config()?;
    // Before anything starts, so that Ctrl-C is a clean stop from here on.
    let stopped = serve::stopped()?;
    start_services(&config.catalogue()?).await?;
    let host = serve::start(&config).await?;
    let address = host.address()?;
    println!("codex-mesh listens on http://{address}");
    println!(
        "\nTry it:\n  {}\n\nCtrl-C stops everything.",
        example(&address.to_string())
    );
    host.serve(stopped).await?;
    println!("stopped");
    Ok(())
}

fn example(address: &str) -> String {
    format!(
        "curl -s http://{address}/mesh/create -H 'content-type: application/json' \\\n       -d \
         '{{\"sessionId\":\"demo\",\"domain\":\"social\",\"goal\":\"Plan a week of short \
         videos\",\"mode\":\"DRY_RUN\"}}'"
    )
}

/// Starts what does not answer, and says where everything is.
async fn start_services(catalogue: &Catalogue) -> anyhow::Result<()> {
    let client = Client::new(64 << 10)?;
    let bases = catalogue.iter().map(|service| {
        (
            service.name.clone(),
            service.base.as_str().trim_end_matches('/').to_owned(),
        )
    });
    let peers = dev::Peers::new(bases.collect(), reqwest::Client::builder().build()?);
    for name in dev::NAMES {
        let service = catalogue
            .get(name)
            .with_context(|| format!("no service {name}"))?;
        let state = if answers(&client, service).await {
            "was already there".to_owned()
        } else {
            start(service, &peers).await?
        };
        println!("  {name:<11} {:<28} {state}", service.shown());
    }
    Ok(())
}

/// Anything that answers HTTP counts, whatever it says.
async fn answers(client: &Client, service: &Service) -> bool {
    let path = dev::health_path(&service.name).to_owned();
    client
        .call(
            service,
            Outgoing {
                path,
                ..Outgoing::default()
            },
            PROBE,
        )
        .await
        .is_ok()
}

/// Starts the local edition, on loopback and nowhere else.
async fn start(service: &Service, peers: &dev::Peers) -> anyhow::Result<String> {
    let Some(port) = loopback_port(&service.base) else {
        return Ok("does not answer, and is not on this machine: no local edition".to_owned());
    };
    let router = dev::router(&service.name, peers);
    let router = router.with_context(|| format!("no local edition of {}", service.name))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| {
            format!(
                "the local edition of {} can't listen on port {port}",
                service.name
            )
        })?;
    let name = service.name.clone();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("the local edition of {name} ended: {error}");
        }
    });
    Ok("local edition".to_owned())
}

fn loopback_port(base: &Url) -> Option<u16> {
    let local = matches!(base.host_str(), Some("localhost" | "127.0.0.1"));
    (local && base.scheme() == "http")
        .then(|| base.port_or_known_default())
        .flatten()
}
