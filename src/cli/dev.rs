//! `codex-mesh dev`: the host, and a local edition of every Codex service that does not answer.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use reqwest::Url;
use tokio::net::TcpListener;

use super::options::Options;
use super::serve;
use crate::config::SimulatedBy;
use crate::dev;
use crate::output::say;
use crate::services::{self, Catalogue, Client, Link, Outgoing, Service};

/// How long a service may take to show that it is there.
const PROBE: Duration = Duration::from_secs(2);

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut config = options.config()?;
    // Before anything starts, so that Ctrl-C is a clean stop from here on.
    let mut stopped = serve::stopped()?;
    let catalogue = config.catalogue()?;
    let started = start_services(&catalogue).await?;
    let mut engines = catalogue.iter().filter(|service| service.routes.simulate());
    // The local edition is known to do nothing else; of what was already there nothing is known.
    if engines.all(|service| started.contains(&service.name)) {
        config.policy.simulation = SimulatedBy::Engine;
    }
    let Some(host) = serve::start(&config, &mut stopped).await? else {
        return Ok(());
    };
    let address = host.address()?;
    say(&format!("codex-mesh listens on http://{address}\n"));
    say(&format!(
        "\nTry it:\n  {}\n\nCtrl-C stops everything.\n",
        example(&address.to_string())
    ));
    host.serve(stopped).await?;
    say("stopped\n");
    Ok(())
}

fn example(address: &str) -> String {
    format!(
        "curl -s http://{address}/mesh/create -H 'content-type: application/json' \\\n       -d \
         '{{\"sessionId\":\"demo\",\"domain\":\"social\",\"goal\":\"Plan a week of short \
         videos\",\"mode\":\"DRY_RUN\"}}'"
    )
}

/// Starts what does not answer, and says where everything is; the names of what it started.
async fn start_services(catalogue: &Catalogue) -> anyhow::Result<Vec<String>> {
    let client = Client::new(catalogue, 64 << 10)?;
    let bases = catalogue.iter().map(|service| {
        (
            service.name.clone(),
            service.base.as_str().trim_end_matches('/').to_owned(),
        )
    });
    let peers = dev::Peers::new(bases.collect(), services::http().build()?);
    let mut started = Vec::new();
    for name in dev::NAMES {
        let service = catalogue
            .get(name)
            .with_context(|| format!("no service {name}"))?;
        let state = if answers(&client, service).await {
            "was already there"
        } else if start(service, &peers).await? {
            started.push(name.to_owned());
            "local edition"
        } else {
            "does not answer, and is not on this machine: no local edition"
        };
        say(&format!("  {name:<11} {:<28} {state}\n", service.shown()));
    }
    Ok(started)
}

/// Anything that answers HTTP counts, whatever it says.
async fn answers(client: &Client, service: &Service) -> bool {
    let path = dev::health_path(&service.name).to_owned();
    client
        .send(
            service,
            Outgoing {
                path,
                ..Outgoing::default()
            },
            PROBE,
            Link::Fresh,
        )
        .await
        .is_ok()
}

/// Starts the local edition, on loopback and nowhere else; whether it did.
async fn start(service: &Service, peers: &dev::Peers) -> anyhow::Result<bool> {
    let Some(port) = loopback_port(&service.base) else {
        return Ok(false);
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
    Ok(true)
}

fn loopback_port(base: &Url) -> Option<u16> {
    let local = matches!(base.host_str(), Some("localhost" | "127.0.0.1"));
    (local && base.scheme() == "http")
        .then(|| base.port_or_known_default())
        .flatten()
}
