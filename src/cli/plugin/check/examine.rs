//! Looks at one file, as far as it goes.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::plugin::local::Local;
use crate::plan::{Headers, Method};
use crate::registry::{Component, Granted, Manifest, SIGNATURE_BYTES, embedded};
use crate::sandbox::bindings as wit;
use crate::sandbox::{Boundary, CONTRACT, Import, LoadError, sha256};

/// The longest text of a manifest that is shown, in characters: more than a right one has, but for
/// its schema.
const SHOWN: usize = 2_000;

/// What is in a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) file: String,
    /// Whether the host would load it.
    pub(super) ok: bool,
    pub(super) bytes: Option<usize>,
    /// The most bytes it may have.
    pub(super) limit_bytes: usize,
    pub(super) sha256: Option<String>,
    /// Whose signature is beside it, or what is wrong with that.
    pub(super) signature: Option<String>,
    /// The version of the contract that it was built for, if it is a step plugin.
    pub(super) contract: Option<String>,
    /// What it takes and gives, if it is a component.
    pub(super) boundary: Option<Boundary>,
    /// What it says of itself, right or wrong, if it could be asked.
    pub(super) manifest: Option<Said>,
    /// What the host would let it call.
    pub(super) granted: Option<Granted>,
    pub(super) notes: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// Why the host would not load it.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    pub(super) problem: String,
    /// What to do about it.
    pub(super) remedy: String,
}

/// A manifest as its plugin gave it, cut where it is endless.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said {
    pub(super) kind: String,
    pub(super) version: String,
    pub(super) label: String,
    pub(super) service: String,
    pub(super) method: Method,
    pub(super) endpoint: String,
    pub(super) description: String,
    pub(super) settings_schema: String,
}

impl From<&wit::Manifest> for Said {
    fn from(said: &wit::Manifest) -> Self {
        let cut = |text: &str| text.chars().take(SHOWN).collect::<String>();
        Self {
            kind: cut(&said.kind),
            version: cut(&said.version),
            label: cut(&said.label),
            service: cut(&said.service),
            method: said.method.into(),
            endpoint: cut(&said.endpoint),
            description: cut(&said.description),
            settings_schema: cut(&said.settings_schema),
        }
    }
}

/// Everything about this file that can be told.
pub(super) async fn examine(file: &Path, host: &Local) -> Report {
    let mut report = Report {
        file: file.display().to_string(),
        ok: false,
        bytes: None,
        limit_bytes: host.config.limits.plugin.component_bytes,
        sha256: None,
        signature: None,
        contract: None,
        boundary: None,
        manifest: None,
        granted: None,
        notes: Vec::new(),
        problems: Vec::new(),
    };
    match host.loader().read(file) {
        Ok(component) => {
            report.bytes = Some(component.bytes.len());
            report.allowed(&component, host);
            report.component(&component, host).await;
        }
        Err(error) => report.problems.push(Problem {
            problem: format!("{error:#}"),
            remedy: format!(
                "name a component file that can be read, of up to {} bytes (component_bytes under \
                 [limits.plugin]), with a signature of up to {SIGNATURE_BYTES} bytes if there is one",
                report.limit_bytes
            ),
        }),
    }
    report.ok = report.problems.is_empty();
    report
}

impl Report {
    fn allowed(&mut self, component: &Component, host: &Local) {
        let sha256 = sha256(&component.bytes);
        let allowed = &host.terms.allowed;
        if let Err(error) = allowed.check(&sha256, component) {
            self.refused(&error);
        }
        if component.signature.is_some() {
            let signer = allowed.signer(component);
            let fits = signer.map(|key| format!("by {key}, which is in require_signature"));
            self.signature = Some(fits.unwrap_or_else(|reason| reason));
        }
        self.sha256 = Some(sha256);
    }

    async fn component(&mut self, component: &Component, host: &Local) {
        let bytes = Arc::clone(&component.bytes);
        match host.loader().boundary(Arc::clone(&bytes)).await {
            Ok(boundary) => {
                for refusal in boundary.imports.iter().filter_map(Import::refusal) {
                    self.refused(&refusal);
                }
                self.contract = boundary.contract().map(|version| version.to_string());
                self.boundary = Some(boundary);
            }
            Err(error) => return self.refused(&error),
        }
        match host.loader().describe(bytes).await {
            Ok((plugin, said)) => {
                if *plugin.contract() > CONTRACT {
                    self.notes.push(format!(
                        "it was built for a newer host, but uses nothing that codex:mesh@{CONTRACT} \
                         does not have"
                    ));
                }
                self.manifest(said, component, host).await;
            }
            Err(error) => self.refused(&error),
        }
    }

    async fn manifest(&mut self, said: wit::Manifest, component: &Component, host: &Local) {
        self.manifest = Some(Said::from(&said));
        match Manifest::check(said, &host.catalogue) {
            Ok(manifest) => {
                self.granted(&manifest, host);
                self.trusted(&manifest.kind, component, host);
                if let Err(problem) = host.terms.settings.fit(&manifest).await {
                    let remedy = "let its schema have what the operator sets, or have the operator \
                                  change that";
                    self.problems.push(Problem {
                        problem,
                        remedy: remedy.to_owned(),
                    });
                }
                let kind = manifest.kind;
                if embedded::COMPONENTS.iter().any(|(name, _)| *name == kind) {
                    self.notes.push(format!(
                        "it would replace the shipped plugin of the kind {kind}"
                    ));
                }
            }
            Err(wrong) => {
                for wrong in wrong {
                    self.refused(&LoadError::Manifest(vec![wrong]));
                }
            }
        }
    }

    /// What it may call, and what its usual request would need. It may read without that, and be
    /// reviewed, so it is no problem.
    fn granted(&mut self, manifest: &Manifest, host: &Local) {
        let loader = host.loader();
        if let Err(missing) = loader.terms.grants.check(manifest) {
            return self.refused(&LoadError::NotGranted(missing));
        }
        let is_it = |bytes: &[u8]| self.sha256 == Some(sha256(bytes));
        let is_shipped = embedded::COMPONENTS.iter().any(|(_, bytes)| is_it(bytes));
        let grant = loader.grant(manifest, is_shipped);
        self.granted = Some(grant.shown());
        if let Err(missing) = grant.check(manifest.method, &manifest.endpoint, &Headers::default())
        {
            self.notes
                .push(format!("it can be loaded, but its usual request {missing}"));
        }
    }

    /// Whether it counts as a check, if its kind is one that LIVE plans must have.
    fn trusted(&mut self, kind: &String, component: &Component, host: &Local) {
        let sha256 = sha256(&component.bytes);
        let is_it = |bytes: &[u8]| bytes == &*component.bytes;
        let mut shipped = embedded::COMPONENTS.iter();
        let named = host.terms.trusted.get(kind);
        if !host.config.policy.live_requires.contains(kind)
            || shipped.any(|(_, bytes)| is_it(bytes))
            || named.is_some_and(|named| named.lists(&sha256, component))
        {
            return;
        }
        self.notes.push(format!(
            "LIVE plans must have a {kind}, and it does not count as one until the operator adds \
             sha256 = [{sha256:?}] under [policy.trusted.{kind}]"
        ));
    }

    /// Once, however often it was found.
    fn refused(&mut self, error: &LoadError) {
        let problem = error.to_string();
        if self.problems.iter().all(|known| known.problem != problem) {
            self.problems.push(Problem {
                problem,
                remedy: error.remedy().to_owned(),
            });
        }
    }
}
