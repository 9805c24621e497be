//! What a component takes and gives, read off its type without running it.

use std::sync::Arc;

use serde::Serialize;

use super::cache::CompileCache;
use super::compile;
use super::engine::{Sandbox, granted};
use super::fault::LoadError;

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
        let component = compile::component(sandbox, cache, bytes).await?;
        let kind = component.component_type();
        let imports = kind.imports(&sandbox.engine).map(|(name, _)| Import {
            name: name.to_owned(),
            granted: granted(name),
        });
        let exports = kind.exports(&sandbox.engine);
        Ok(Self {
            imports: imports.collect(),
            exports: exports.map(|(name, _)| name.to_owned()).collect(),
        })
    }
}
