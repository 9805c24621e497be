//! `[plugin.<kind>.grants]`, `[plugin.<kind>.headers]` and `[plugin.<kind>.secrets]`: what plugins may
//! call, which headers they may set, and which secrets they may name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{anyhow, bail};

use super::{PluginConfig, Secret};
use crate::registry::{GrantedRoutes, Grants, KindGrants};
use crate::services::{Catalogue, headers};

/// The grants that come of what is set.
///
/// # Errors
/// Which service or secret of which kind is not known, or which route or header is wrong.
pub(super) fn grants(
    plugins: &BTreeMap<String, PluginConfig>,
    catalogue: &Catalogue,
    secrets: &BTreeMap<String, Secret>,
) -> anyhow::Result<Grants> {
    let mut grants = Grants::default();
    for (kind, plugin) in plugins {
        let at = format!("[plugin.{kind}.grants]");
        let services = plugin.grants.as_ref();
        let services = services
            .map(|set| routes(set, catalogue, &at))
            .transpose()?;
        let at = format!("[plugin.{kind}.headers]");
        let headers = header_names(&plugin.headers, catalogue, &at)?;
        let at = format!("[plugin.{kind}.secrets]");
        let own = KindGrants {
            services,
            headers,
            secrets: names(&plugin.secrets, catalogue, secrets, &at)?,
        };
        grants.set(kind.clone(), own);
    }
    Ok(grants)
}

fn routes(
    set: &BTreeMap<String, Vec<String>>,
    catalogue: &Catalogue,
    at: &str,
) -> anyhow::Result<BTreeMap<String, GrantedRoutes>> {
    let mut allowed = BTreeMap::new();
    for (service, routes) in set {
        check_service(service, catalogue, at)?;
        let routes = GrantedRoutes::parse(routes);
        let routes = routes.map_err(|error| {
            anyhow!("{at} {service}: {error}; \"reads\" stands for all that only reads")
        })?;
        allowed.insert(service.clone(), routes);
    }
    Ok(allowed)
}

fn header_names(
    set: &BTreeMap<String, Vec<String>>,
    catalogue: &Catalogue,
    at: &str,
) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut granted = BTreeMap::new();
    for (service, names) in set {
        check_service(service, catalogue, at)?;
        let names = names.iter().map(|name| {
            let checked = headers::check_name(name);
            let checked = checked.map_err(|error| anyhow!("{at} {service}: {name:?}: {error}"))?;
            Ok(checked.as_str().to_owned())
        });
        granted.insert(service.clone(), names.collect::<anyhow::Result<_>>()?);
    }
    Ok(granted)
}

fn names(
    set: &BTreeMap<String, Vec<String>>,
    catalogue: &Catalogue,
    secrets: &BTreeMap<String, Secret>,
    at: &str,
) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut granted = BTreeMap::new();
    for (service, names) in set {
        check_service(service, catalogue, at)?;
        if let Some(name) = names.iter().find(|name| !secrets.contains_key(*name)) {
            bail!("{at} {service}: there is no secret {name:?}: add its value under [secrets]");
        }
        granted.insert(service.clone(), names.iter().cloned().collect());
    }
    Ok(granted)
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
