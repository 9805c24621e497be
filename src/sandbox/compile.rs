//! Compiling takes as long as the component's author likes: a few kilobytes can keep a compiler
//! busy for hours. So it is done on threads of its own, which share nothing with other compilations,
//! and it is not waited for without an end. A compilation that is given up can't be stopped; what it
//! comes to in the end is in the cache for the next time. So there are only so many at a time, those
//! that were given up included.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wasmtime::component::Component;

use super::cache::CompileCache;
use super::engine::Sandbox;
use super::fault::LoadError;

/// How a component begins, and how a core module does: the magic number, then version and layer
/// (WebAssembly specification, binary format, and the component model's `Binary.md`).
const MAGIC: &[u8] = b"\0asm";
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The compiled form of a component, from the cache if it is there.
pub(super) async fn component(
    sandbox: &Sandbox,
    cache: Arc<CompileCache>,
    bytes: Arc<[u8]>,
) -> Result<Component, LoadError> {
    check_header(&bytes, sandbox.limits.component_bytes)?;
    let (engine, limit_ms) = (sandbox.engine.clone(), sandbox.limits.compile_ms);
    let finding = {
        let (cache, engine, bytes) = (Arc::clone(&cache), engine.clone(), Arc::clone(&bytes));
        tokio::task::spawn_blocking(move || cache.find(&engine, &bytes))
    };
    if let Ok(Some(component)) = finding.await {
        return Ok(component);
    }
    let room = Arc::clone(&sandbox.compilers).acquire_owned();
    let room = tokio::time::timeout(Duration::from_millis(limit_ms), room).await;
    let Ok(Ok(room)) = room else {
        return Err(LoadError::CompilersBusy(limit_ms));
    };
    let compile = move || {
        // Given back when the compiler has ended, not when it is not waited for any more.
        let _room = room;
        cache.compile(&engine, &bytes)
    };
    within(limit_ms, compile).await
}

fn check_header(bytes: &[u8], limit: usize) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if bytes.len() > limit {
        return Err(LoadError::TooLarge(bytes.len(), limit));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(LoadError::NotWasm);
    }
    if bytes.starts_with(CORE_MODULE) {
        return Err(LoadError::CoreModule);
    }
    Ok(())
}

/// Runs the compiler for at most `limit_ms` milliseconds.
async fn within<T: Send + 'static>(
    limit_ms: u64,
    compile: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let (reply, compiled) = oneshot::channel();
    // The compiler uses the threads of the pool that it is called in.
    let threads = rayon::ThreadPoolBuilder::new()
        .thread_name(|_| "compile".to_owned())
        // The reply is dropped, which tells enough; without a handler the process would abort.
        .panic_handler(|_| ())
        .build()
        .map_err(|error| LoadError::Compile(error.to_string()))?;
    threads.spawn(move || {
        // Nobody waits any longer if the limit has passed.
        let _ = reply.send(compile());
    });
    match tokio::time::timeout(Duration::from_millis(limit_ms), compiled).await {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(_)) => Err(LoadError::Compile("the compiler failed".to_owned())),
        Err(_) => Err(LoadError::CompileTime(limit_ms)),
    }
}
