//! Versions of the contract: the one that this host speaks, and those that components name.

use semver::{BuildMetadata, Version};

/// The version of `wit/mesh.wit`. Every minor version of its major up to it is spoken.
pub const CONTRACT: Version = Version::new(1, 1, 0);

/// The version in the name of one of the contract's interfaces, such as `codex:mesh/step@1.0.0`,
/// without the build metadata, which decide nothing and may be as long as its author likes.
pub(super) fn named(interface: &str) -> Option<Version> {
    let (_, version) = interface.strip_prefix("codex:mesh/")?.split_once('@')?;
    let version = Version::parse(version).ok()?;
    Some(Version {
        build: BuildMetadata::EMPTY,
        ..version
    })
}

/// The versions that this host speaks, for a person.
pub(super) fn spoken() -> String {
    let Version { major, minor, .. } = CONTRACT;
    format!("codex:mesh {major}.0 to {major}.{minor}")
}

/// What a component may import, for a person.
pub(super) fn offered() -> String {
    format!(
        "codex:mesh/log and codex:mesh/clock ({}), and of WASI 0.2 what is in wasi:cli, wasi:clocks, \
         wasi:filesystem, wasi:io and wasi:random",
        spoken()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_has_the_version_of_its_text() {
        let text = include_str!("../../wit/mesh.wit");
        assert!(text.contains(&format!("\npackage codex:mesh@{CONTRACT};\n")));
    }

    #[test]
    fn only_the_contracts_interfaces_name_its_version() {
        assert_eq!(named("codex:mesh/step@1.1.0"), Some(CONTRACT));
        assert_eq!(named("codex:mesh/step@1.1.0+build.7"), Some(CONTRACT));
        for other in [
            "codex:mesh/step",
            "codex:mesh/step@1",
            "wasi:io/poll@1.1.0",
            "",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
