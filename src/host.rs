//! A whole host: everything put together, listening, until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::engine::Engine;
use crate::registry::Registry;
use crate::sandbox::{CompileCache, Sandbox};
use crate::services::{Client, known};
use crate::store::{SqliteStore, Store};
use crate::{brain, http};

/// How long steps under way may take to end once the host is told to stop.
const GRACE: Duration = Duration::from_secs(30);

/// A host that listens.
pub struct Host {
    engine: Arc<Engine>,
    listener: TcpListener,
    audit: JoinHandle<()>,
}

impl Host {
    /// Opens the store, loads the plugins and listens. The database is opened, and the address
    /// taken, before anything slow, so that a mistake shows at once.
    ///
    /// # Errors
    /// What is wrong, with its remedy.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let catalogue = config.catalogue()?;
        let listener = TcpListener::bind(&config.listen).await.with_context(|| {
            format!(
                "can't listen on {}: choose another address with --listen (port 0 takes a free \
                 one)",
                config.listen
            )
        })?;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.data_dir)?);
        let sandbox = Arc::new(Sandbox::new(config.limits.plugin.clone())?);
        let cache = Arc::new(CompileCache::open(&config.cache_dir())?);
        let folder = config.plugins_dir.as_deref();
        let registry = Registry::load(sandbox, cache, &catalogue, folder).await?;
        for notice in &registry.notices {
            tracing::warn!("{notice}");
        }
        let client = Client::new(config.limits.answer_bytes)?;
        let brain = catalogue
            .get(known::BRAIN)
            .context("no service brain")?
            .clone();
        let audit = tokio::spawn(brain::deliver(Arc::clone(&store), client.clone(), brain));
        let engine = Arc::new(Engine::new(config, store, registry, catalogue, client));
        Ok(Self {
            engine,
            listener,
            audit,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system can't tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets what is under way end.
    ///
    /// # Errors
    /// When serving fails, or steps are still under way after the time of grace.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let router = http::router(Arc::clone(&self.engine));
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stop)
            .await?;
        let ended = self.engine.finish(GRACE).await;
        self.audit.abort();
        // Until it is gone it holds the store, and with it the data folder. That it was aborted
        // is what it ends with.
        let _ = self.audit.await;
        anyhow::ensure!(
            ended,
            "steps were still running after {} s",
            GRACE.as_secs()
        );
        Ok(())
    }
}
