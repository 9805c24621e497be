//! One version of a step kind: a component that was loaded, and how it does.

use std::path::PathBuf;
use std::sync::Arc;

use super::Manifest;
use super::calls::{Calls, Function};
use crate::sandbox::bindings::{Context, Request, Response, Verdict};
use crate::sandbox::{Called, Clock, Plugin};

/// One version of a step kind, loaded.
pub struct PluginVersion {
    /// Runs it.
    pub plugin: Plugin,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The digest of its component, in lower-case hexadecimal.
    pub sha256: String,
    /// The size of its component, in bytes.
    pub size: usize,
    /// Where it came from.
    pub origin: Origin,
    /// The operator named its component, or who signed it, as one to trust with its kind.
    pub is_named: bool,
    /// What its calls came to since the host started.
    pub calls: Arc<Calls>,
}

impl PluginVersion {
    /// The request that the step would send now; the inner error is the plugin's own reason why
    /// there is none.
    ///
    /// A version that is quarantined is not called for another step, also where it waits already; what it asked for before is
    /// still interpreted.
    pub async fn shape(&self, context: &Context, clock: Clock) -> Called<Result<Request, String>> {
        let may = || self.calls.quarantine().map_or(Ok(()), Err);
        let call = self.plugin.shape_if(context, clock, may);
        self.counted(Function::Shape, call).await
    }

    /// What the answer means.
    pub async fn interpret(
        &self,
        context: &Context,
        request: &Request,
        response: &Response,
        clock: Clock,
    ) -> Called<Verdict> {
        let call = self.plugin.interpret(context, request, response, clock);
        self.counted(Function::Interpret, call).await
    }

    /// It said the value of a secret that nobody told it: it is not called again, as each guess that
    /// is answered tells something.
    pub fn gave_away(&self) {
        if self.calls.gave_away() {
            let (kind, version, sha256) =
                (&self.manifest.kind, &self.manifest.version, &self.sha256);
            tracing::error!(
                "{kind} {version} ({sha256}) is quarantined: it said the value of a secret that nobody told \
                 it. It is called for no other step until {}",
                self.remedy()
            );
        }
    }

    /// What ends its quarantine.
    fn remedy(&self) -> String {
        let (kind, sha256) = (&self.manifest.kind, &self.sha256);
        format!(
            "a version of {kind} is activated, a mended one or this one again (`codex-mesh plugin activate \
             {kind} --sha256 {sha256}`), or the host restarts"
        )
    }

    async fn counted<T>(
        &self,
        function: Function,
        call: impl Future<Output = Called<T>>,
    ) -> Called<T> {
        let called = call.await;
        let usual = self.plugin.limits().cpu();
        if self.calls.record(function, &called, usual) {
            let (kind, version, sha256) =
                (&self.manifest.kind, &self.manifest.version, &self.sha256);
            tracing::warn!(
                "{kind} {version} ({sha256}) is quarantined: it failed too often, as `codex-mesh plugin list \
                 {kind}` and its steps say. It is called for no other step until {}",
                self.remedy()
            );
        }
        called
    }
}

/// Where a component came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the host.
    Embedded,
    /// From this file.
    File(PathBuf),
    /// Somebody sent it.
    Upload,
    /// It is kept for plans that were created with it.
    Kept,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::File(path) => path.display().fmt(f),
            Self::Upload => f.write_str("upload"),
            Self::Kept => f.write_str("kept"),
        }
    }
}
