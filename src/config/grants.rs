//! `[plugin.<kind>.grants]`: what plugins may call.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};

use super::PluginConfig;
use crate::registry::{Allowed, Grants};
use crate::services::Catalogue;

/// The grants that come of what is set.
///
/// # Errors
/// Which service of which kind is not known, or which of its routes is wrong.
pub(super) fn grants(
    plugins: &BTreeMap<String, PluginConfig>,
    catalogue: &Catalogue,
) -> anyhow::Result<Grants> {
    let mut grants = Grants::default();
    for (kind, plugin) in plugins {
        let at = format!("[plugin.{kind}.grants]");
        let Some(services) = &plugin.grants else {
            continue;
        };
        let mut allowed = BTreeMap::new();
        for (service, routes) in services {
            check_service(service, catalogue, &at)?;
            let routes = Allowed::parse(routes);
            let routes = routes.map_err(|error| {
                anyhow!("{at} {service}: {error}; \"reads\" stands for all that only reads")
            })?;
            allowed.insert(service.clone(), routes);
        }
        grants.set(kind.clone(), allowed);
    }
    Ok(grants)
}

fn check_service(name: &str, catalogue: &Catalogue, at: &str) -> anyhow::Result<()> {
    if catalogue.get(name).is_none() {
        let known: Vec<&str> = catalogue.iter().map(|known| known.name.as_str()).collect();
        bail!(
            "{at} {name:?} is no service: it must be one of {}",
            known.join(", ")
        );
    }
    Ok(())
}
