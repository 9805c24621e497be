//! Compiling takes as long as the component's author likes: a few kilobytes can keep a compiler
//! busy for hours. So it is done on threads of its own, which share nothing with other compilations,
//! and it is not waited for without an end. A compilation that is given up can't be stopped; what it
//! comes to in the end is in the cache for the next start.

use std::time::Duration;

use tokio::sync::oneshot;

use super::fault::LoadError;

/// Runs the compiler for at most `limit_ms` milliseconds.
pub(super) async fn within<T: Send + 'static>(
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
