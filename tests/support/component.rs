//! Components written by hand, instruction by instruction: what no compiler would produce, and
//! plugins that import nothing at all.

use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the manifest is in the guest's memory, and its texts.
const MANIFEST: usize = 1 << 10;
const TEXTS: usize = 4 << 10;

/// Pages of the guest's memory; what the host passes in goes to its second half.
const PAGES: usize = 64;
const HEAP: usize = PAGES << 15;

/// A component of the contract's world. Each body is WebAssembly text that leaves an address.
#[derive(Clone)]
pub struct Raw {
    pub wit: String,
    /// kind, version, label, service, endpoint, description, settings-schema.
    pub manifest: [String; 7],
    pub describe: String,
    pub shape: String,
    pub interpret: String,
    /// More items of the core module; imports come first.
    pub items: String,
}

impl Raw {
    /// A valid plugin whose `shape` says that it is made by hand.
    pub fn new(kind: &str) -> Self {
        let manifest = [kind, "1.0.0", "By hand", "srl", "/srl/check", "", "{}"];
        Self {
            wit: include_str!("../../wit/mesh.wit").to_owned(),
            manifest: manifest.map(str::to_owned),
            describe: format!("i32.const {MANIFEST}"),
            shape: "(i32.store8 (i32.const 0) (i32.const 1))
                    (i32.store (i32.const 4) (i32.const 512))
                    (i32.store (i32.const 8) (i32.const 12))
                    i32.const 0"
                .to_owned(),
            interpret: "unreachable".to_owned(),
            items: r#"(data (i32.const 512) "made by hand")"#.to_owned(),
        }
    }

    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("mesh.wit", &self.wit).unwrap();
        let world = resolve
            .select_world(&[package], Some("step-plugin"))
            .unwrap();
        let mut module = self.module();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let mut encoder = ComponentEncoder::default();
        encoder.module(&module).unwrap().encode().unwrap()
    }

    /// The core module in it.
    pub fn module(&self) -> Vec<u8> {
        let (manifest, texts) = self.data();
        let package = self
            .wit
            .lines()
            .find_map(|line| line.strip_prefix("package codex:mesh@"));
        let version = package.unwrap().trim_end_matches(';');
        let export = |name| format!("codex:mesh/step@{version}#{name}");
        let text = format!(
            r#"(module
                {items}
                (memory (export "memory") {PAGES})
                (global $top (mut i32) (i32.const {HEAP}))
                (data (i32.const {MANIFEST}) "{manifest}")
                (data (i32.const {TEXTS}) "{texts}")
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (global.get $top)
                    (global.set $top (i32.and (i32.const -8)
                        (i32.add (i32.const 7) (i32.add (global.get $top) (local.get 3))))))
                (func (export "{describe}") (result i32) {})
                (func (export "{shape}") (param i32) (result i32) {})
                (func (export "{interpret}") (param i32) (result i32) {}))"#,
            self.describe,
            self.shape,
            self.interpret,
            items = self.items,
            describe = export("describe"),
            shape = export("shape"),
            interpret = export("interpret"),
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The manifest's record, and the texts that it points to, escaped.
    fn data(&self) -> (String, String) {
        let mut record = Vec::new();
        let mut texts = Vec::new();
        for (index, text) in self.manifest.iter().enumerate() {
            // The method, POST, comes before the endpoint.
            if index == 4 {
                record.extend(1_u32.to_le_bytes());
            }
            let address = u32::try_from(TEXTS + texts.len()).unwrap();
            record.extend(address.to_le_bytes());
            record.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            texts.extend(text.as_bytes());
        }
        assert!(TEXTS + texts.len() < HEAP);
        (escape(&record), escape(&texts))
    }
}

/// A few kilobytes that keep the compiler busy: with 60 loops for seconds, with more for hours.
pub fn bomb(loops: usize) -> Vec<u8> {
    const LOCALS: usize = 1_500;
    let increments: String = (0..LOCALS)
        .map(|n| format!("(local.set {n} (i32.add (local.get {n}) (i32.const 1)))"))
        .collect();
    let locals = "i32 ".repeat(LOCALS);
    let (begin, end) = (
        "(loop ".repeat(loops),
        "(br_if 0 (local.get 0)))".repeat(loops),
    );
    let items = format!("(func (local {locals}) {begin}{increments}{end})");
    let raw = Raw {
        items,
        ..Raw::new("bomb")
    };
    raw.component()
}

fn escape(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").unwrap();
        text
    })
}
