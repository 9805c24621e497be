//! What no compiler would produce: guests that break the canonical ABI, hand out memory that they
//! do not have, or the same memory a thousand times.

use codex_mesh::sandbox::{Clock, Fault, Limits};

use super::{context, limits, load};
use crate::support::{Raw, assert_has};

/// What comes of calling `shape` with this body.
async fn shaped(shape: &str, items: &str) -> Result<Result<String, String>, Fault> {
    let raw = Raw {
        shape: shape.to_owned(),
        items: items.to_owned(),
        ..Raw::new("raw")
    };
    let (plugin, _) = load(&raw.component(), limits()).await.unwrap();
    let called = plugin.shape(&context("x"), Clock::IDLE).await;
    called
        .outcome
        .map(|shaped| shaped.map(|request| request.path))
}

async fn fault(shape: &str, items: &str) -> String {
    shaped(shape, items).await.unwrap_err().to_string()
}

/// An error text of `length` bytes at `address`, as the answer of `shape`.
fn text(address: u32, length: u32) -> String {
    format!(
        "(i32.store8 (i32.const 0) (i32.const 1))
         (i32.store (i32.const 4) (i32.const {address}))
         (i32.store (i32.const 8) (i32.const {length}))
         i32.const 0"
    )
}

/// A plugin needs no import at all, not even WASI.
#[tokio::test]
async fn a_component_without_any_import_is_a_plugin() {
    let (plugin, manifest) = load(&Raw::new("raw").component(), limits()).await.unwrap();
    assert_eq!(manifest.kind, "raw");
    assert_eq!(manifest.settings_schema, "{}");
    let called = plugin.shape(&context("x"), Clock::IDLE).await;
    assert_eq!(called.outcome.unwrap().unwrap_err(), "made by hand");
}

#[tokio::test]
async fn memory_that_it_does_not_have_is_not_read() {
    for (address, length) in [(0, 100 << 20), (u32::MAX, 1), (1, u32::MAX), (4 << 20, 1)] {
        let error = fault(&text(address, length), "").await;
        assert_has(&error, &["it trapped", "out of bounds"]);
    }
    let error = fault("i32.const -4", "").await;
    assert_has(&error, &["it trapped", "out of bounds"]);
}

/// 100,000 headers that are all the same MiB: little for the guest, 100 GB for a host that copies.
#[tokio::test]
async fn the_same_memory_handed_out_again_and_again_is_refused() {
    let items = r#"(func $fill (local $at i32)
        (local.set $at (i32.const 65536))
        (loop $next
            (i32.store (local.get $at) (i32.const 0))
            (i32.store offset=4 (local.get $at) (i32.const 1048576))
            (i32.store offset=12 (local.get $at) (i32.const 0))
            (i32.store offset=16 (local.get $at) (i32.const 1048576))
            (local.set $at (i32.add (local.get $at) (i32.const 20)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 2065536)))))"#;
    let shape = "(call $fill)
        (i32.store (i32.const 16) (i32.const 65536))
        (i32.store (i32.const 20) (i32.const 100000))
        i32.const 0";
    let error = fault(shape, items).await;
    assert_has(&error, &["returned more than its 2097152 bytes of output"]);
}

#[tokio::test]
async fn what_breaks_the_contracts_types_is_an_error() {
    // Not UTF-8.
    let error = fault(&text(512, 2), r#"(data (i32.const 512) "\ff\fe")"#).await;
    assert_has(&error, &["it trapped", "utf-8"]);
    // Neither ok nor an error.
    let error = fault("(i32.store8 (i32.const 0) (i32.const 9)) i32.const 0", "").await;
    assert_has(&error, &["it trapped", "discriminant"]);
    // No address of a record.
    let error = fault("i32.const 3", "").await;
    assert_has(&error, &["it trapped", "align"]);
}

#[tokio::test]
async fn each_trap_is_named() {
    for (body, part) in [
        ("unreachable", "panicked or aborted"),
        ("(i32.div_s (i32.const 1) (i32.const 0))", "divide by zero"),
        ("(i32.load (i32.const -1))", "reached outside its memory"),
        (
            "(call_indirect (result i32) (i32.const 0))",
            "uninitialized element",
        ),
    ] {
        let error = fault(body, "(table 1 funcref)").await;
        assert_has(&error, &["it ", part]);
    }
}

#[tokio::test]
async fn tables_are_limited() {
    let grow = "(table.grow (ref.null func) (i32.const 10001))";
    let error = fault(grow, "(table 1 funcref)").await;
    assert_has(&error, &["a table of more than its 10000 elements"]);
    let raw = Raw {
        items: "(table 10001 funcref)".to_owned(),
        ..Raw::new("raw")
    };
    let error = load(&raw.component(), limits()).await.err().unwrap();
    assert_has(&error.to_string(), &["table", "10000"]);
}

#[tokio::test]
async fn loops_without_a_loop_end_as_well() {
    for (body, items) in [
        (
            "(return_call $again)",
            "(func $again (result i32) (return_call $again))",
        ),
        (
            "(call $twice (i32.const 200))",
            "(func $twice (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
            (drop (call $twice (i32.sub (local.get 0) (i32.const 1))))
            (call $twice (i32.sub (local.get 0) (i32.const 1))))",
        ),
        (
            "(loop (memory.fill (i32.const 1048576) (i32.const 1) (i32.const 1048576)) (br 0)) i32.const 0",
            "",
        ),
    ] {
        let error = fault(body, items).await;
        assert_has(&error, &["ran for more than 200 ms without an end"]);
    }
}

/// A call is more than its function: what runs before it is limited like it.
#[tokio::test]
async fn a_loop_at_instantiation_ends() {
    let raw = Raw {
        items: "(func $spin (loop (br 0))) (start $spin)".to_owned(),
        ..Raw::new("raw")
    };
    let error = load(&raw.component(), limits()).await.err().unwrap();
    assert_has(
        &error.to_string(),
        &["asked what it is", "200 ms without an end"],
    );
}

#[tokio::test]
async fn a_manifest_is_asked_for_under_the_same_limits() {
    for (describe, part) in [
        ("(loop (br 0)) i32.const 0", "200 ms without an end"),
        ("unreachable", "panicked or aborted"),
        ("i32.const -4", "out of bounds"),
        (
            "(drop (memory.grow (i32.const 1000))) i32.const 1024",
            "16777216 bytes of memory",
        ),
        (
            "(i32.store (i32.const 1028) (i32.const 4000000)) i32.const 1024",
            "of output",
        ),
    ] {
        let raw = Raw {
            describe: describe.to_owned(),
            ..Raw::new("raw")
        };
        let error = load(&raw.component(), limits()).await.err().unwrap();
        assert_has(&error.to_string(), &["asked what it is, it", part]);
    }
}

/// More memory than a slot has is refused before anything is compiled for it.
#[tokio::test]
async fn memory_past_the_slot_is_refused_when_it_is_loaded() {
    let raw = Raw {
        items: "(memory 300)".to_owned(),
        ..Raw::new("raw")
    };
    let error = load(&raw.component(), limits()).await.err().unwrap();
    assert_has(&error.to_string(), &["does not compile", "memory"]);
    let small = Limits {
        memory_bytes: 1 << 20,
        ..limits()
    };
    let error = load(&Raw::new("raw").component(), small)
        .await
        .err()
        .unwrap();
    assert_has(
        &error.to_string(),
        &["asked what it is", "1048576 bytes of memory"],
    );
}
