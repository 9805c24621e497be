//! What is frozen stays as it is, and today's contract has all of it.

use std::collections::{BTreeMap, BTreeSet};

use codex_mesh::sandbox::sha256;
use wit_component::WitPrinter;
use wit_parser::{Resolve, WorldItem};

const FROZEN: &str = include_str!("1.0.0/wit/mesh.wit");
const TODAY: &str = include_str!("../../wit/mesh.wit");

/// What a contract is made of.
struct Contract {
    /// By interface, its types and functions in the printer's own form, without what explains them.
    interfaces: BTreeMap<String, BTreeSet<String>>,
    /// The interfaces that a plugin may import.
    imports: BTreeSet<String>,
    /// Those that it exports.
    exports: BTreeSet<String>,
}

impl Contract {
    fn parse(text: &str) -> Self {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("mesh.wit", text).unwrap();
        let world = resolve
            .select_world(&[package], Some("step-plugin"))
            .unwrap();
        let interfaces = resolve.packages[package].interfaces.iter();
        let items = interfaces.map(|(name, id)| {
            let mut printer = WitPrinter::default();
            printer.emit_docs(false);
            printer.print_interface(&resolve, *id).unwrap();
            let text = printer.output.to_string();
            let items = text.split("\n\n").map(|item| item.trim().to_owned());
            (name.clone(), items.collect())
        });
        let names = |items: &mut dyn Iterator<Item = &WorldItem>| {
            let names = items.map(|item| match item {
                WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.clone().unwrap(),
                other => panic!("the world has more than interfaces: {other:?}"),
            });
            names.collect()
        };
        let world = &resolve.worlds[world];
        Self {
            interfaces: items.collect(),
            imports: names(&mut world.imports.values()),
            exports: names(&mut world.exports.values()),
        }
    }
}

/// Why a component that was built for `old` might not run in a host of `new`.
fn broken(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (Contract::parse(old), Contract::parse(new));
    let mut broken = Vec::new();
    for (name, items) in &old.interfaces {
        let none = BTreeSet::new();
        let now = new.interfaces.get(name).unwrap_or(&none);
        let gone = items.difference(now).map(|item| (item, "gone from"));
        let more = now.difference(items).map(|item| (item, "new in"));
        // What is exported may not have more, either: the components do not have it.
        let more = more.filter(|_| old.exports.contains(name));
        broken.extend(
            gone.chain(more)
                .map(|(item, how)| format!("{how} {name}: {item}")),
        );
    }
    let gone = old.imports.difference(&new.imports);
    broken.extend(gone.map(|name| format!("no import any more: {name}")));
    let changed = old.exports.symmetric_difference(&new.exports);
    broken.extend(changed.map(|name| format!("exported by one alone: {name}")));
    broken
}

#[test]
fn the_frozen_contract_is_the_one_that_was_published() {
    assert_eq!(
        sha256(FROZEN.as_bytes()),
        "6ecb7a8bc028fef15c363c864e6e17f637c0b8889b6efbdb8a0342d181e94d56",
        "tests/contract/1.0.0/wit/mesh.wit is frozen: take the change back, and make it in \
         wit/mesh.wit as a new version"
    );
}

#[test]
fn todays_contract_has_all_of_the_frozen_one_unchanged() {
    assert_eq!(broken(FROZEN, TODAY), Vec::<String>::new());
}

/// The test above would notice.
#[test]
fn what_would_break_a_component_is_noticed() {
    let replaced = |from: &str, to: &str| {
        let new = FROZEN.replacen(from, to, 1);
        assert_ne!(new, FROZEN, "{from}");
        broken(FROZEN, &new)
    };
    for (from, to, expected) in [
        (
            "enum level {",
            "enum level { fatal,",
            "gone from log: enum level",
        ),
        (
            "write: func(level: level,",
            "write: func(at: u64, level: level,",
            "gone from log: write",
        ),
        ("  write: func(", "  add: func(", "gone from log: write"),
        (
            "attempt: u32,",
            "attempt: u64,",
            "gone from step: record this-step",
        ),
        (
            "attempt: u32,",
            "attempt: u32, last: bool,",
            "gone from step: record this-step",
        ),
        (
            "failed(string),",
            "failed(string), later,",
            "gone from step: variant verdict",
        ),
        (
            "describe: func()",
            "stop: func();\n  describe: func()",
            "new in step: stop",
        ),
        ("  import log;", "", "no import any more: log"),
    ] {
        let broken = replaced(from, to);
        assert!(
            broken.iter().any(|told| told.starts_with(expected)),
            "{to}: {broken:?}"
        );
    }
    for (from, to) in [
        ("  write: func(", "  flush: func();\n  write: func("),
        (
            "world step-plugin {",
            "interface more { f: func(); }\nworld step-plugin { import more;",
        ),
        ("Adds one remark.", "Adds a remark."),
    ] {
        assert_eq!(replaced(from, to), Vec::<String>::new(), "{to}");
    }
}
