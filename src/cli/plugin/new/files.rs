//! The files of a project. The contract, the SDK, and what the examples have for any step are this
//! repository's own; the rest are templates, in which a name in double braces stands for what the author chose.

use super::Language;
use crate::services::known;

/// What the author chose.
pub(super) struct Names {
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) endpoint: String,
}

/// Path in the project, and text.
type File = (&'static str, &'static str);

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../templates/", $name, ".in"))
    };
}

macro_rules! repository {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $name))
    };
}

/// The same for every language: what a step is told and should make of it has none.
const COMMON: &[File] = &[
    ("wit/mesh.wit", repository!("wit/mesh.wit")),
    ("cases/README.md", repository!("docs/cases.md")),
    ("cases/answered.json", template!("cases/answered.json")),
    ("cases/busy.json", template!("cases/busy.json")),
    ("cases/empty.json", template!("cases/empty.json")),
    ("cases/fault.json", template!("cases/fault.json")),
    (
        "cases/needs-approval.json",
        template!("cases/needs-approval.json"),
    ),
    ("cases/refused.json", template!("cases/refused.json")),
    ("cases/setting.json", template!("cases/setting.json")),
    (
        "cases/wrong-setting.json",
        template!("cases/wrong-setting.json"),
    ),
];

const RUST: &[File] = &[
    ("Cargo.toml", template!("rust/Cargo.toml")),
    ("README.md", template!("rust/README.md")),
    (".gitignore", template!("rust/gitignore")),
    ("rust-toolchain.toml", repository!("rust-toolchain.toml")),
    ("src/lib.rs", template!("rust/lib.rs")),
];

/// What Rust plugins share. As deep in the project as it is here, because it names the contract by
/// a path that is relative to it.
const SDK: &[File] = &[
    (
        "vendor/codex-mesh-sdk/Cargo.toml",
        repository!("plugins/sdk/Cargo.toml"),
    ),
    (
        "vendor/codex-mesh-sdk/src/answer.rs",
        repository!("plugins/sdk/src/answer.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/check.rs",
        repository!("plugins/sdk/src/check.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/clock.rs",
        repository!("plugins/sdk/src/clock.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/context.rs",
        repository!("plugins/sdk/src/context.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/known_bad.rs",
        repository!("plugins/sdk/src/known_bad.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/lib.rs",
        repository!("plugins/sdk/src/lib.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/manifest.rs",
        repository!("plugins/sdk/src/manifest.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/niche.rs",
        repository!("plugins/sdk/src/niche.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/request.rs",
        repository!("plugins/sdk/src/request.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/settings.rs",
        repository!("plugins/sdk/src/settings.rs"),
    ),
    (
        "vendor/codex-mesh-sdk/src/testing.rs",
        repository!("plugins/sdk/src/testing.rs"),
    ),
];

const JS: &[File] = &[
    ("package.json", template!("js/package.json")),
    (
        "package-lock.json",
        repository!("plugins/examples/trends-js/package-lock.json"),
    ),
    ("README.md", template!("js/README.md")),
    (
        ".gitignore",
        repository!("plugins/examples/trends-js/.gitignore"),
    ),
    ("src/step.js", template!("js/step.js")),
    (
        "src/mesh.js",
        repository!("plugins/examples/trends-js/src/mesh.js"),
    ),
    ("test/step.test.js", template!("js/step.test.js")),
];

const PYTHON: &[File] = &[
    (
        "requirements.txt",
        repository!("plugins/examples/trends-python/requirements.txt"),
    ),
    ("README.md", template!("python/README.md")),
    (
        ".gitignore",
        repository!("plugins/examples/trends-python/.gitignore"),
    ),
    ("app.py", template!("python/app.py")),
    (
        "mesh.py",
        repository!("plugins/examples/trends-python/mesh.py"),
    ),
];

/// Every file of a project: its path, and its text.
pub(super) fn project(language: Language, names: &Names) -> Vec<(&'static str, String)> {
    let own: &[&[File]] = match language {
        Language::Rust => &[RUST, SDK],
        Language::Js => &[JS],
        Language::Python => &[PYTHON],
    };
    let templates = own.iter().copied().flatten().chain(COMMON);
    templates
        .map(|(path, text)| (*path, names.fill(text, language)))
        .collect()
}

impl Names {
    fn fill(&self, text: &str, language: Language) -> String {
        let component = match language {
            Language::Rust => format!(
                "target/wasm32-wasip2/release/step_{}.wasm",
                self.kind.replace('-', "_")
            ),
            Language::Js | Language::Python => format!("{}.wasm", self.kind),
        };
        let filled = [
            ("{{kind}}", &*self.kind),
            ("{{label}}", &self.label()),
            ("{{service}}", &self.service),
            ("{{endpoint}}", &self.endpoint),
            ("{{component}}", &component),
            ("{{sdk-version}}", env!("CARGO_PKG_VERSION")),
            ("{{unknown-service}}", &self.unknown_service()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        });
        format!("{}\n", filled.trim_end())
    }

    /// The kind, as a person would write it.
    fn label(&self) -> String {
        let words = self.kind.replace('-', " ");
        let mut letters = words.trim().chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    /// What the operator has to do where no host knows the service.
    fn unknown_service(&self) -> String {
        let mut services = known::SERVICES.iter();
        if services.any(|(name, ..)| *name == self.service) {
            return String::new();
        }
        format!(
            "\nA host has to know the service, also for `plugin check` and `plugin test` \
             (`--config FILE`):\n\n```toml\n[services.{}]\nurl = \"http://localhost:…\"\n```",
            self.service
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use toml::{Table, Value};

    use super::*;

    #[test]
    fn the_whole_sdk_comes_along() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/sdk/src");
        let there = std::fs::read_dir(root).unwrap();
        let there: BTreeSet<String> = there
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let brought: BTreeSet<String> = SDK
            .iter()
            .filter_map(|(path, _)| path.strip_prefix("vendor/codex-mesh-sdk/src/"))
            .map(str::to_owned)
            .collect();
        assert_eq!(brought, there);
    }

    /// The SDK takes these of its workspace, so they must be what it was written with.
    #[test]
    fn a_project_is_built_as_the_shipped_plugins_are() {
        let ours: Table = repository!("Cargo.toml").parse().unwrap();
        let theirs: Table = template!("rust/Cargo.toml").parse().unwrap();
        let of = |table: &Table, keys: &[&str]| {
            let mut value = Value::Table(table.clone());
            for key in keys {
                value = value
                    .get(*key)
                    .cloned()
                    .unwrap_or_else(|| panic!("{keys:?}"));
            }
            value
        };
        for key in ["edition", "rust-version", "license", "publish"] {
            let keys = ["workspace", "package", key];
            assert_eq!(of(&ours, &keys), of(&theirs, &keys));
        }
        for key in ["serde", "serde_json", "wit-bindgen"] {
            let keys = ["workspace", "dependencies", key];
            assert_eq!(of(&ours, &keys), of(&theirs, &keys));
        }
        assert_eq!(
            of(&ours, &["workspace", "lints"]),
            of(&theirs, &["workspace", "lints"])
        );
        let mut profile = of(&ours, &["profile", "plugin"]);
        profile.as_table_mut().unwrap().remove("inherits");
        assert_eq!(profile, of(&theirs, &["profile", "release"]));
    }

    /// `npm ci` refuses a lock that is another package's.
    #[test]
    fn a_javascript_project_is_what_its_lock_was_made_for() {
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let ours = parse(repository!("plugins/examples/trends-js/package.json"));
        let theirs = parse(template!("js/package.json"));
        let lock = parse(repository!("plugins/examples/trends-js/package-lock.json"));
        for key in ["devDependencies", "overrides"] {
            assert_eq!(ours[key], theirs[key]);
        }
        let locked = &lock["packages"][""]["devDependencies"];
        assert_eq!(locked, &ours["devDependencies"]);
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let names = Names {
            kind: "my-step".to_owned(),
            service: "elsewhere".to_owned(),
            endpoint: "/ask".to_owned(),
        };
        for language in [Language::Rust, Language::Js, Language::Python] {
            let files = project(language, &names);
            for (path, text) in &files {
                let left = [
                    "kind",
                    "label",
                    "service",
                    "endpoint",
                    "component",
                    "version",
                ];
                let left = left.map(|name| format!("{{{{{name}"));
                assert!(
                    !left.iter().any(|left| text.contains(left)),
                    "{path}: {text}"
                );
            }
            let readme = files.iter().find(|(path, _)| *path == "README.md").unwrap();
            assert!(readme.1.contains("[services.elsewhere]"));
        }
        assert_eq!(names.label(), "My step");
    }
}
