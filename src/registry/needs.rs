//! The results of earlier steps that a plugin is handed: those that it needs, as far as that is known.

use std::collections::{BTreeMap, BTreeSet};

use super::{PluginVersion, Registry};
use crate::sandbox::bindings::{Context, FinishedStep};

/// The kinds whose results embedded plugins read; those that are not here read none.
const EMBEDDED: [(&str, &[&str]); 2] = [("srl", &["autonomy"]), ("hardening", &["autonomy"])];

/// By kind, what the operator says.
pub type OperatorNeeds = BTreeMap<String, BTreeSet<String>>;

impl Registry {
    /// Notes the kinds whose results are named and that are not there: a name may be misspelt.
    pub(super) fn check_needs(&self) {
        let kinds = self.read().kinds();
        for (kind, named) in &self.loader.terms.needs {
            let unknown = named.iter().filter(|named| !kinds.contains(named));
            for named in unknown {
                let why = "and no such kind is loaded";
                self.note(format!("[plugin.{kind}] results names {named}, {why}"));
            }
        }
    }

    /// What this version is handed: of the results before its step those that the operator names, or
    /// all. Where all are so many that they might not fit, an embedded plugin goes without those that
    /// it does not read.
    pub fn handed(&self, version: &PluginVersion, mut context: Context) -> Context {
        let kind = version.manifest.kind.as_str();
        let finished = &mut context.finished;
        if let Some(named) = self.loader.terms.needs.get(kind) {
            finished.retain(|step| named.contains(&step.kind));
            return context;
        }
        // The other half is for the answer, and for all else.
        let room = version.plugin.limits().handed() / 2;
        if size(finished) > room && self.read().is_shipped(&version.sha256) {
            let known = EMBEDDED.iter().find(|(known, _)| *known == kind);
            let known = known.map_or(&[][..], |(_, kinds)| *kinds);
            finished.retain(|step| known.contains(&step.kind.as_str()));
        }
        context
    }
}

fn size(finished: &[FinishedStep]) -> usize {
    finished.iter().map(|step| step.result.len()).sum()
}
