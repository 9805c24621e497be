//! A component that was compiled, linked and asked what it is, and the calls into it.

use std::sync::Arc;
use std::time::Duration;

use semver::Version;
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::Store;
use wasmtime::component::Component;

use super::bindings::{Context, Manifest, Request, Response, StepPlugin, StepPluginPre, Verdict};
use super::boundary::Boundary;
use super::cache::CompileCache;
use super::clock::Clock;
use super::compile;
use super::engine::Sandbox;
use super::fault::{Fault, LoadError};
use super::handed::Handed;
use super::instance::Host;
use super::limits::Limits;
use super::log::{Log, LogLine};
use super::meter::Meter;
use crate::places::{NoPlace, Place};

/// What one call gave, and what the guest said meanwhile.
#[derive(Debug)]
pub struct Called<T> {
    /// Its result.
    pub outcome: Result<T, Fault>,
    /// What it logged and printed.
    pub log: Vec<LogLine>,
    /// The linear memory that its instance came to have, in bytes. It never shrinks, so this is
    /// also the most that it had.
    pub memory_bytes: usize,
    /// The time that it took for itself.
    pub took: Duration,
}

impl<T> Called<T> {
    /// It was not called.
    pub fn not(fault: Fault) -> Self {
        Self {
            outcome: Err(fault),
            log: Vec::new(),
            memory_bytes: 0,
            took: Duration::ZERO,
        }
    }
}

/// A step plugin, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    sandbox: Arc<Sandbox>,
    component: StepPluginPre<Host>,
    contract: Version,
    kind: Arc<str>,
    share: Arc<Share>,
}

/// What the calls of one kind may use.
#[derive(Debug)]
pub struct Share {
    limits: Limits,
    /// One permit a call, where the kind has a limit of its own beside that of all.
    calls: Option<Semaphore>,
}

/// Room for one call, taken until this is dropped.
struct Room<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _slot: Place<Arc<str>>,
}

impl Share {
    /// These limits for each call, and at most so many calls of the kind at the same time.
    pub fn new(limits: Limits, calls: Option<u32>) -> Self {
        let permits = |calls: u32| Semaphore::new(usize::try_from(calls).unwrap_or(usize::MAX));
        Self {
            limits,
            calls: calls.map(permits),
        }
    }
}

impl Plugin {
    /// Compiles (or takes from the cache), links and describes a component.
    ///
    /// # Errors
    /// What is wrong with the component, for whoever put it there.
    pub async fn load(
        sandbox: Arc<Sandbox>,
        cache: Arc<CompileCache>,
        bytes: Arc<[u8]>,
    ) -> Result<(Self, Manifest), LoadError> {
        Self::load_within(sandbox, cache, bytes, None).await
    }

    /// The same; compiling may take so much time and no more, if that is less than its limit.
    ///
    /// # Errors
    /// What is wrong with the component, for whoever put it there.
    pub async fn load_within(
        sandbox: Arc<Sandbox>,
        cache: Arc<CompileCache>,
        bytes: Arc<[u8]>,
        within: Option<Duration>,
    ) -> Result<(Self, Manifest), LoadError> {
        let component = compile::component(&sandbox, cache, bytes, within).await?;
        let boundary = Boundary::read(&sandbox.engine, &component);
        let component = link(&sandbox, &component).map_err(|error| boundary.refusal(&error))?;
        let contract = boundary
            .contract()
            .ok_or_else(|| LoadError::WrongWorld("it exports no step".to_owned()))?;
        let share = Arc::new(Share::new(sandbox.limits.clone(), None));
        let plugin = Self {
            sandbox,
            component,
            contract,
            kind: Arc::from("describe"),
            share,
        };
        plugin.instantiate().await?;
        let manifest = plugin.describe().await.map_err(LoadError::Describe)?;
        let kind = Arc::from(manifest.kind.as_str());
        Ok((Self { kind, ..plugin }, manifest))
    }

    /// The same, with a share of its own instead of the sandbox's limits.
    pub fn limited(self, share: Arc<Share>) -> Self {
        Self { share, ..self }
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> &Version {
        &self.contract
    }

    /// The limits of its calls.
    pub fn limits(&self) -> &Limits {
        &self.share.limits
    }

    /// Makes an instance and asks it nothing: only then are all its types compared.
    async fn instantiate(&self) -> Result<(), LoadError> {
        let made = self.call(None, Clock::IDLE, || Ok(()), async |_, _| Ok(()));
        made.await.outcome.map_err(|fault| match fault {
            Fault::Trap(why) | Fault::Sandbox(why) => LoadError::Instance(why),
            fault => LoadError::Describe(fault),
        })
    }

    async fn describe(&self) -> Result<Manifest, Fault> {
        let called = self.call(
            None,
            Clock::IDLE,
            || Ok(()),
            async |plugin, store| plugin.codex_mesh_step().call_describe(store).await,
        );
        called.await.outcome
    }

    /// The request that the step would send now; the inner error is the plugin's own reason why
    /// there is none.
    pub async fn shape(&self, context: &Context, clock: Clock) -> Called<Result<Request, String>> {
        self.shape_if(context, clock, || Ok(())).await
    }

    /// The same if it may still be called once there is room for it.
    pub async fn shape_if(
        &self,
        context: &Context,
        clock: Clock,
        may: impl Fn() -> Result<(), Fault>,
    ) -> Called<Result<Request, String>> {
        let handed = Handed {
            context,
            answer: None,
        };
        self.call(Some(handed), clock, may, async |plugin, store| {
            plugin.codex_mesh_step().call_shape(store, context).await
        })
        .await
    }

    /// What the answer means.
    pub async fn interpret(
        &self,
        context: &Context,
        request: &Request,
        response: &Response,
        clock: Clock,
    ) -> Called<Verdict> {
        let handed = Handed {
            context,
            answer: Some((request, response)),
        };
        self.call(
            Some(handed),
            clock,
            || Ok(()),
            async |plugin, store| {
                plugin
                    .codex_mesh_step()
                    .call_interpret(store, context, request, response)
                    .await
            },
        )
        .await
    }

    /// Room for one call, if it may be made: within the kind's own limit first, so that a busy kind
    /// holds no slot of others while it waits; then in its share of the slots.
    async fn room(
        &self,
        handed: Option<Handed<'_>>,
        may: impl Fn() -> Result<(), Fault>,
    ) -> Result<Room<'_>, Fault> {
        may()?;
        if let Some(handed) = handed {
            handed.check(&self.kind, &self.share.limits)?;
        }
        let closed = || Fault::Sandbox(NoPlace::Closed.to_string());
        let own = match &self.share.calls {
            Some(calls) => Some(calls.acquire().await.map_err(|_| closed())?),
            None => None,
        };
        let slot = self.sandbox.slots.take(&self.kind).await;
        let slot = slot.map_err(|_| closed())?;
        // It may have waited for long.
        may()?;
        Ok(Room {
            _own: own,
            _slot: slot,
        })
    }

    /// One call on a fresh instance, within the limits.
    async fn call<T>(
        &self,
        handed: Option<Handed<'_>>,
        clock: Clock,
        may: impl Fn() -> Result<(), Fault>,
        run: impl AsyncFnOnce(&StepPlugin, &mut Store<Host>) -> wasmtime::Result<T>,
    ) -> Called<T> {
        let limits = &self.share.limits;
        let room = match self.room(handed, may).await {
            Ok(room) => room,
            Err(fault) => return Called::not(fault),
        };
        let log = Log::new(Arc::clone(&self.kind), limits.log_bytes);
        let meter = Meter::default();
        // Read only now: waiting for room is none of the call.
        let moment = clock.read();
        let engine = &self.sandbox.engine;
        let turns = (self.sandbox.turns.clone(), Arc::clone(&self.kind));
        let mut store = Host::store(engine, limits, log.clone(), moment, meter.clone(), turns);
        let mut made = None;
        let called = meter.run(limits, async {
            let plugin = self.component.instantiate_async(&mut store).await?;
            made = Some(store.data().memory_bytes(limits));
            run(&plugin, &mut store).await
        });
        let called = called.await;
        let memory_bytes = store.data().memory_bytes(limits);
        drop(store);
        drop(room);
        let log = log.take();
        let failed = |error: wasmtime::Error| match made {
            Some(_) => Fault::from_runtime(&error, limits, last_words(&log)),
            None => Fault::from_making(&error, limits, last_words(&log)),
        };
        let outcome = called.and_then(|called| called.map_err(failed));
        let outcome = outcome.map_err(|fault| match handed {
            Some(handed) => {
                let free = limits.memory_bytes.saturating_sub(made.unwrap_or(0));
                handed.blamed(fault, limits, free)
            }
            None => fault,
        });
        Called {
            outcome,
            log,
            memory_bytes,
            took: meter.own(),
        }
    }
}

/// How the lines begin that runtimes print behind the message of a panic (Rust) or of an exception
/// (SpiderMonkey).
const BEHIND: [&str; 4] = [
    "note: run with `RUST_BACKTRACE",
    "Stack:",
    "  ",
    "Redirecting call to abort()",
];

/// The last thing a guest said: of a panic, its message.
fn last_words(log: &[LogLine]) -> &str {
    let mut words = log.iter().rev().map(|line| line.message.as_str());
    words
        .find(|line| !BEHIND.iter().any(|begin| line.starts_with(begin)))
        .unwrap_or_default()
}

fn link(sandbox: &Sandbox, component: &Component) -> wasmtime::Result<StepPluginPre<Host>> {
    StepPluginPre::new(sandbox.linker.instantiate_pre(component)?)
}
