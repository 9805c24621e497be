//! A whole host: everything put together, listening, until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::background::Background;
use crate::brain::AuditLog;
use crate::config::Config;
use crate::engine::Engine;
use crate::http::{self, App, Manners, Visitors};
use crate::registry::{Parts, Registry};
use crate::sandbox::{CompileCache, Sandbox};
use crate::services::{Catalogue, Client, Gateway, known};
use crate::store::{Retention, SqliteStore, Store};

/// How often it is looked for what need not be kept any longer.
const CLEAN_UP: Duration = Duration::from_secs(60 * 60);

/// How often the store does what has to be done now and then.
const TIDY: Duration = Duration::from_secs(5);

/// How long plugins may take to be loaded before the host answers: what takes longer is loaded while it
/// does.
const QUICK: Duration = Duration::from_secs(1);

/// A host that listens.
pub struct Host {
    app: App,
    listener: TcpListener,
    manners: Manners,
    /// Delivers the audit log and cleans up; ends with the host.
    background: Background,
    /// Whether the configuration was held against all plugins.
    is_checked: bool,
}

impl Host {
    /// Listens, opens the store and loads the embedded plugins; the others are loaded while it serves.
    /// What is fast comes first, so that a mistake shows at once. `program` is a `codex-mesh`, which
    /// compiles components.
    ///
    /// # Errors
    /// What is wrong, with its remedy.
    pub async fn start(config: &Config, program: &Path) -> anyhow::Result<Self> {
        let catalogue = config.catalogue()?;
        let listener = TcpListener::bind(&config.listen).await.with_context(|| {
            format!(
                "can't listen on {}: choose another address with --listen (port 0 takes a free \
                 one)",
                config.listen
            )
        })?;
        let data = config.data_dir.clone();
        // The disk may not answer, and a signal is to stop the start all the same.
        let store = spawn_blocking(move || SqliteStore::open(&data)).await??;
        let store: Arc<dyn Store> = Arc::new(store);
        let assembled = Self::assemble(config, program, listener, catalogue, Arc::clone(&store));
        let assembled = assembled.await;
        if assembled.is_err() {
            store.close().await;
        }
        assembled
    }

    /// Puts everything together over an open store.
    async fn assemble(
        config: &Config,
        program: &Path,
        listener: TcpListener,
        catalogue: Catalogue,
        store: Arc<dyn Store>,
    ) -> anyhow::Result<Self> {
        let sandbox = Arc::new(Sandbox::new(
            config.limits.plugin.clone(),
            program.to_owned(),
        )?);
        let cache_dir = config.cache_dir();
        let cache = spawn_blocking(move || CompileCache::open(&cache_dir)).await??;
        let cache = Arc::new(cache);
        let registry = Registry::load(Parts {
            sandbox,
            cache,
            catalogue: catalogue.clone(),
            terms: config.terms()?,
            store: Arc::clone(&store),
            shelf: config.data_dir.join("plugins"),
            folder: config.plugins_dir.clone(),
        })
        .await?;
        let registry = Arc::new(registry);
        let client =
            Client::new(&catalogue, config.limits.answer_bytes)?.redacting(config.redactor()?);
        let brain = catalogue
            .get(known::BRAIN)
            .context("no service brain")?
            .clone();
        let audit = AuditLog::new(
            Arc::clone(&store),
            client.clone(),
            brain,
            config.brain.clone(),
        );
        let audit = Arc::new(audit);
        let gateway = Gateway::new(client, &catalogue, config.retry.clone(), &config.breaker);
        let retention = (&config.retention).into();
        let background = background(&store, &audit, &registry, retention);
        let engine = Engine::new(config, store, registry, catalogue, gateway)?;
        let engine = Arc::new(engine);
        // What is compiled already is there at once, and a mistake shows before anything is served.
        let settled = timeout(QUICK, engine.registry.settled()).await;
        if settled.is_ok() {
            engine.check().await?;
        }
        let resumed = engine.resume_runs().await?;
        if resumed > 0 {
            tracing::info!("{resumed} plans were being run when the host ended, and go on");
        }
        let manners = Manners {
            patience: Duration::from_millis(config.limits.client_ms),
            grace: Duration::from_millis(config.limits.grace_ms),
        };
        Ok(Self {
            app: App {
                engine,
                audit,
                healths: background.healths(),
                visitors: Visitors::new(&config.limits),
                access: Arc::new(config.http.access(&config.listen)?),
                http: config.http.clone(),
            },
            listener,
            manners,
            background,
            is_checked: settled.is_ok(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system can't tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets what is under way end. A mistake in the configuration that shows
    /// only once all plugins are loaded stops it as well.
    ///
    /// # Errors
    /// Such a mistake, or that steps are still under way after the time of grace.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            app,
            listener,
            manners,
            mut background,
            is_checked,
        } = self;
        let engine = Arc::clone(&app.engine);
        let (tell, told) = oneshot::channel();
        let stop = async move {
            tokio::select! {
                () = stop => {}
                mistake = mistake(&engine), if !is_checked => {
                    // It is waited for below.
                    let _ = tell.send(mistake);
                }
            }
            // Before the requests end: those who watch a plan would wait for it.
            engine.stop();
        };
        let visitors = app.visitors.clone();
        http::serve(listener, http::router(app.clone()), visitors, manners, stop).await;
        // Whose callers hung up run on without a request.
        let ended = app.engine.finish(manners.grace).await;
        background.stop().await;
        app.engine.store.close().await;
        if let Ok(mistake) = told.await {
            return Err(mistake);
        }
        anyhow::ensure!(
            ended,
            "steps were still running after {} s",
            manners.grace.as_secs()
        );
        Ok(())
    }
}

/// What is wrong with the configuration, once all plugins are loaded; if nothing is, this never ends.
async fn mistake(engine: &Engine) -> anyhow::Error {
    engine.registry.settled().await;
    match engine.check().await {
        Err(mistake) => mistake,
        Ok(()) => std::future::pending().await,
    }
}

fn background(
    store: &Arc<dyn Store>,
    audit: &Arc<AuditLog>,
    registry: &Arc<Registry>,
    retention: Retention,
) -> Background {
    let (store, audit) = (Arc::clone(store), Arc::clone(audit));
    let (registry, watched) = (Arc::clone(registry), Arc::clone(registry));
    let mut background = Background::default();
    let tidied = Arc::clone(&store);
    background.keep_up("store", move || tidy(Arc::clone(&tidied)));
    background.keep_up("auditLog", move || {
        let audit = Arc::clone(&audit);
        async move { audit.run().await }
    });
    background.keep_up("pluginsFolder", move || {
        let watched = Arc::clone(&watched);
        watched.watch()
    });
    background.keep_up("cleanUp", move || {
        clean_up(Arc::clone(&store), Arc::clone(&registry), retention)
    });
    background
}

/// Has the store do what has to be done now and then.
async fn tidy(store: Arc<dyn Store>) {
    loop {
        tokio::time::sleep(TIDY).await;
        store.tidy().await;
    }
}

/// Removes what is old, now and then.
async fn clean_up(store: Arc<dyn Store>, registry: Arc<Registry>, retention: Retention) {
    loop {
        match store.clean_up(retention).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!("what is old could not be removed: {error}"),
        }
        // What the plugins folder serves is not known before.
        registry.settled().await;
        if let Err(error) = registry.clean_up().await {
            tracing::warn!("plugins that nobody needs could not be removed: {error}");
        }
        tokio::time::sleep(CLEAN_UP).await;
    }
}
