//! `docs/mesh.example.toml` says every key, and its default.

use std::path::Path;

use codex_mesh::config::{Config, ServiceConfig};

#[test]
fn the_example_has_every_key_with_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mesh.example.toml");
    let mut example = Config::load(Some(&path), []).unwrap().config;
    let default = Config::default();
    // It shows how a service is named, with what that service has anyway.
    let shown = std::mem::take(&mut example.services);
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["srl"]);
    assert_eq!(format!("{example:#?}"), format!("{default:#?}"));

    let text = std::fs::read_to_string(&path).unwrap();
    for described in [
        format!("{default:#?}"),
        format!("{:#?}", ServiceConfig::default()),
    ] {
        for key in described
            .lines()
            .filter_map(|line| line.trim().split_once(':'))
        {
            assert!(text.contains(key.0), "{} is not in the example", key.0);
        }
    }
}
