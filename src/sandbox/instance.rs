//! What the host keeps for one call: WASI with nothing behind it, the log, the time, and the limiter.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::bindings::codex::mesh::log;
use super::clock::Moment;
use super::fault::{CpuTimeUp, MemoryUp, TableUp};
use super::limits::Limits;
use super::log::{Log, Output, Stream};
use super::meter::Meter;
use crate::places::Places;

/// Handles a guest may hold at a time. A Rust guest needs a handful.
const HANDLES: usize = 1_000;

/// The most random bytes a guest gets in one call.
const RANDOM_BYTES: u64 = 64 << 10;

/// Slack over the output limit for what the contract's records cost beside their text.
const OUTPUT_OVERHEAD: usize = 64 << 10;

/// The data of one call's store.
pub(super) struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(super) log: Log,
    pub(super) moment: Moment,
    memory_left: usize,
    table_elements: usize,
    meter: Meter,
}

impl Host {
    /// A store for one call, with every limit set.
    pub(super) fn store(
        engine: &wasmtime::Engine,
        limits: &Limits,
        log: Log,
        moment: Moment,
        meter: Meter,
        turns: (Places<Arc<str>>, Arc<str>),
    ) -> Store<Self> {
        let stream = |output| Stream {
            log: log.clone(),
            output,
        };
        // No preopened folder, no environment, no argument, no stdin: the builder's defaults.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stream(Output::Stdout))
            .stderr(stream(Output::Stderr))
            .max_random_size(RANDOM_BYTES);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let host = Self {
            wasi: wasi.build(),
            table,
            log,
            moment,
            memory_left: limits.memory_bytes,
            table_elements: limits.table_elements,
            meter,
        };
        let mut store = Store::new(engine, host);
        store.limiter(|host| host);
        store.set_hostcall_fuel(limits.output_bytes.saturating_add(OUTPUT_OVERHEAD));
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        let cpu = limits.cpu();
        // At every tick the guest hands its thread back, and goes on when it is its turn: a loop
        // delays others by one tick at most. Its time is counted, so it ends all the same.
        store.epoch_deadline_callback(move |store| {
            let meter = &store.data().meter;
            if meter.computed() >= cpu {
                return Err(CpuTimeUp.into());
            }
            let (turns, kind) = turns.clone();
            let give_way = meter.clone().give_way(turns, kind);
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(give_way)))
        });
        store
    }

    /// The linear memory that the instance has, in bytes.
    pub(super) fn memory_bytes(&self, limits: &Limits) -> usize {
        limits.memory_bytes.saturating_sub(self.memory_left)
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl log::Host for Host {
    fn write(&mut self, level: log::Level, message: String) {
        self.log.write(level.into(), &message);
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        match self.memory_left.checked_sub(more) {
            Some(left) => {
                self.memory_left = left;
                Ok(true)
            }
            // An error, not `false`: a guest that is refused memory mostly aborts, and then
            // nobody could tell why.
            None => Err(MemoryUp.into()),
        }
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            return Err(TableUp.into());
        }
        Ok(true)
    }
}
