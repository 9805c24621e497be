//! What a component takes and gives, read off its type without running it, and why a host that
//! can't link it refuses it.

use std::sync::Arc;

use semver::Version;
use serde::Serialize;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::CompileCache;
use super::compile;
use super::engine::{Sandbox, granted};
use super::fault::LoadError;
use super::version::{self, CONTRACT};

/// What a component imports and exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Boundary {
    /// What it needs of the host, by name.
    pub imports: Vec<Import>,
    /// What it gives, by name.
    pub exports: Vec<String>,
}

/// One thing that a component needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The interface or function.
    pub name: String,
    /// Whether the host gives it.
    pub granted: bool,
}

impl Boundary {
    /// Compiles the component, or takes it from the cache, and reads its type.
    ///
    /// # Errors
    /// Why it is no component that the host would compile.
    pub async fn of(
        sandbox: &Sandbox,
        cache: Arc<CompileCache>,
        bytes: Arc<[u8]>,
    ) -> Result<Self, LoadError> {
        let component = compile::component(sandbox, cache, bytes, None).await?;
        Ok(Self::read(&sandbox.engine, &component))
    }

    /// Reads a component's type.
    pub(super) fn read(engine: &Engine, component: &Component) -> Self {
        let kind = component.component_type();
        let imports = kind.imports(engine).map(|(name, _)| Import {
            name: name.to_owned(),
            granted: granted(name),
        });
        let exports = kind.exports(engine);
        Self {
            imports: imports.collect(),
            exports: exports.map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// The version of the contract that it was built for, if it is a step plugin; of several the
    /// newest that the host speaks.
    pub fn contract(&self) -> Option<Version> {
        let steps = self.exports.iter();
        let steps = steps.filter(|name| name.starts_with("codex:mesh/step@"));
        steps
            .filter_map(|name| version::named(name))
            .max_by_key(|version| (version.major == CONTRACT.major, version.clone()))
    }

    /// Why it is refused, the linker having failed with `error`.
    pub(super) fn refusal(&self, error: &wasmtime::Error) -> LoadError {
        let contract = self.contract();
        let other = contract.filter(|version| version.major != CONTRACT.major);
        if let Some(other) = other {
            return LoadError::OtherContract(other);
        }
        if let Some(refusal) = self.imports.iter().find_map(Import::refusal) {
            return refusal;
        }
        let imports = self.imports.iter();
        let newest = imports.filter_map(|import| version::named(&import.name));
        match newest.max().filter(|newest| *newest > CONTRACT) {
            Some(newest) => LoadError::NewerContract(newest, format!("{error:#}")),
            None => self.mismatch(error),
        }
    }

    /// Why it is refused whose imports the host seems to give: not this interface of WASI, or not all of
    /// it.
    fn mismatch(&self, error: &wasmtime::Error) -> LoadError {
        let (why, cause) = (format!("{error:#}"), error.root_cause().to_string());
        let mut imports = self.imports.iter();
        match imports.find(|import| why.contains(&format!("`{}`", import.name))) {
            Some(import) if cause.contains("implementation is missing") => {
                LoadError::ForbiddenImport(import.name.clone())
            }
            Some(import) => LoadError::WrongWorld(format!("{}: {cause}", import.name)),
            None => LoadError::WrongWorld(cause),
        }
    }
}

impl Import {
    /// Why the host does not give it, if it does not.
    pub fn refusal(&self) -> Option<LoadError> {
        let name = || self.name.clone();
        match version::named(&self.name) {
            Some(version) if version.major != CONTRACT.major => {
                Some(LoadError::OtherContract(version))
            }
            _ if self.granted => None,
            Some(version) if version > CONTRACT => Some(LoadError::NewerContract(version, name())),
            _ => Some(LoadError::ForbiddenImport(name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_contracts_it_is_the_newest_that_is_spoken() {
        for (exports, expected) in [
            (
                vec!["codex:mesh/step@1.0.0", "codex:mesh/step@1.1.0"],
                Some("1.1.0"),
            ),
            (
                vec!["codex:mesh/step@2.0.0", "codex:mesh/step@1.0.0"],
                Some("1.0.0"),
            ),
            (
                vec!["codex:mesh/step@2.0.0", "codex:mesh/log@1.0.0"],
                Some("2.0.0"),
            ),
            (vec!["wasi:cli/run@0.2.0"], None),
        ] {
            let boundary = Boundary {
                imports: Vec::new(),
                exports: exports.iter().map(|name| (*name).to_owned()).collect(),
            };
            let contract = boundary.contract().map(|version| version.to_string());
            assert_eq!(contract.as_deref(), expected, "{exports:?}");
        }
    }
}
