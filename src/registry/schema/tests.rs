//! What schemas are taken, which are refused, and what wrong settings are told.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

fn compile(schema: &Value) -> Result<SettingsSchema, String> {
    SettingsSchema::compile(schema.to_string())
}

fn refused(schema: &Value) -> String {
    compile(schema).err().unwrap_or_default()
}

/// A schema inside `levels` others.
fn nested(levels: usize, inner: Value, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(inner, |schema, _| wrap(schema))
}

#[test]
fn what_could_loop_fetch_or_explode_is_refused_wherever_it_is() {
    for (keyword, value) in [
        ("$ref", json!("#")),
        ("$ref", json!("http://localhost:1/schema.json")),
        ("$ref", json!("file:///etc/passwd")),
        ("$dynamicRef", json!("#a")),
        ("$recursiveRef", json!("#")),
        ("$dynamicAnchor", json!("a")),
        ("$anchor", json!("a")),
        ("$id", json!("http://localhost:1/")),
        ("$defs", json!({"a": {}})),
        ("definitions", json!({"a": {}})),
        ("$vocabulary", json!({})),
        ("unevaluatedProperties", json!(false)),
        ("unevaluatedItems", json!(false)),
        ("dependencies", json!({})),
        ("requierd", json!(["a"])),
    ] {
        let schema = json!({ keyword: value });
        for place in [
            schema.clone(),
            json!({"properties": {"a": schema}}),
            json!({"anyOf": [{}, schema]}),
            json!({"if": schema}),
            json!({"patternProperties": {"^a": {"items": schema}}}),
            json!({"dependentSchemas": {"a": schema}}),
        ] {
            let error = refused(&place);
            assert!(
                error.contains(&format!("the keyword {keyword:?}")),
                "{place}: {error}"
            );
        }
    }
}

#[test]
fn a_setting_may_have_any_name() {
    let names = json!({"$ref": {"type": "integer"}, "unevaluatedItems": {}, "requierd": true});
    let schema = json!({"properties": names, "default": {"$ref": 1}, "const": {"$ref": 1}});
    assert!(compile(&schema).unwrap().check(&json!({"$ref": 1})).is_ok());
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = |levels| nested(levels, json!({}), |schema| json!({"items": schema}));
    assert!(compile(&deep(DEPTH - 1)).is_ok());
    assert!(refused(&deep(DEPTH)).contains("nested more than 16"));

    let options: Vec<usize> = (0..PARTS).collect();
    assert!(refused(&json!({"enum": options})).contains("more than 2000 parts"));
    assert!(
        compile(&json!({"examples": options})).is_ok(),
        "annotations do not count"
    );

    let patterns = |count| json!({"allOf": vec![json!({"pattern": "a"}); count]});
    assert!(compile(&patterns(PATTERNS)).is_ok());
    assert!(refused(&patterns(PATTERNS + 1)).contains("more than 20 patterns"));
    let named: Map<String, Value> = (0..=PATTERNS)
        .map(|n| (format!("^{n}"), json!({})))
        .collect();
    assert!(refused(&json!({"patternProperties": named})).contains("more than 20 patterns"));
    assert!(refused(&json!({"pattern": "a".repeat(PATTERN + 1)})).contains("256 bytes"));
    assert!(refused(&json!({"title": "a".repeat(BYTES)})).contains("65536 bytes"));
}

#[test]
fn what_does_not_compile_says_why() {
    for (schema, why) in [
        (json!([]), "not a JSON object"),
        (json!(true), "not a JSON object"),
        (json!({"type": "intger"}), "does not compile"),
        (json!({"required": "a"}), "does not compile"),
        (json!({"items": 5}), "does not compile"),
        (json!({"pattern": "("}), "does not compile"),
        (json!({"pattern": "(?<!a)b"}), "does not compile"),
        (json!({"pattern": "(a)\\1"}), "does not compile"),
        (
            json!({"pattern": "((a{100}){100}){100}"}),
            "does not compile",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            "another $schema",
        ),
    ] {
        let error = refused(&schema);
        assert!(error.contains(why), "{schema}: {error:?}");
        assert!(
            error.len() < 1_000 && !error.contains(char::is_control),
            "{error}"
        );
    }
    let error = SettingsSchema::compile("{".to_owned())
        .err()
        .unwrap_or_default();
    assert!(error.contains("is not JSON"), "{error}");
}

#[test]
fn wrong_settings_are_named_with_what_is_allowed() {
    let schema = compile(&json!({
        "$schema": DIALECT,
        "type": "object",
        "additionalProperties": false,
        "properties": {"days": {"type": "integer", "maximum": 9}, "name": {"maxLength": 3}},
    }))
    .unwrap();
    assert_eq!(schema.check(&json!({"days": 9, "name": "abc"})), Ok(()));
    for (settings, parts) in [
        (json!({"days": 10}), vec![" at /days", "10", "maximum of 9"]),
        (json!({"days": "1"}), vec![" at /days", "integer"]),
        (
            json!({"day": 1}),
            vec!["day", "(the settings are days, name)"],
        ),
        (
            json!({"name": "x".repeat(16_000)}),
            vec![" at /name", "longer than 3 characters"],
        ),
    ] {
        let error = schema.check(&settings).err().unwrap_or_default();
        for part in parts {
            assert!(error.contains(part), "no {part:?} in {error:?}");
        }
        assert!(error.len() < 1_000, "{error}");
    }
    let none = compile(&json!({"type": "object", "additionalProperties": false})).unwrap();
    let error = none.check(&json!({"x": 1})).err().unwrap_or_default();
    assert!(error.contains("this kind has no settings"), "{error}");
}

/// Finding out why would take an explanation for each branch and each value.
#[test]
fn what_is_too_large_to_explain_is_just_refused() {
    let branches = vec![json!({"items": {"type": "null"}}); 600];
    let schema = compile(&json!({"properties": {"a": {"anyOf": branches}}})).unwrap();
    let begun = Instant::now();
    let error = schema
        .check(&json!({"a": vec![0; 8_000]}))
        .err()
        .unwrap_or_default();
    assert!(begun.elapsed() < Duration::from_secs(5), "{error}");
    assert!(error.contains("do not fit the schema"), "{error}");
    assert_eq!(schema.check(&json!({"a": [null]})), Ok(()));
    let error = schema.check(&json!({"a": [0]})).err().unwrap_or_default();
    assert!(error.contains(" at /a"), "{error}");
}

/// The worst that the limits let through, on settings as large as there may be: no more than
/// schema times settings, whereas anything exponential would not end at all.
#[test]
fn no_schema_takes_long_on_any_settings() {
    let text = json!({"a": "a".repeat(16_000)});
    let list = json!({"a": vec![0; 8_000]});
    let deep = nested(16, json!({}), |inner| json!({"a": inner}));
    let any = |schema: Value| json!({"anyOf": [{"not": {}}, schema, {"type": "null"}]});
    let both = |schema: Value| json!({"allOf": [schema], "properties": {"a": {"items": {}}}});
    let closed =
        |schema: Value| json!({"properties": {"a": schema}, "additionalProperties": false});
    let doors = |schema: Value| json!({"if": {"not": schema}, "then": false, "else": {}});
    let options: Vec<usize> = (1..PARTS - 20).collect();
    let schemas = [
        (
            json!({"properties": {"a": {"pattern": "^(a+)+$"}}}),
            &text,
            true,
        ),
        (
            json!({"properties": {"a": {"pattern": "^(a|a?)*b$"}}}),
            &text,
            false,
        ),
        (
            json!({"properties": {"a": {"items": {"enum": options}}}}),
            &list,
            false,
        ),
        (
            json!({"properties": {"a": {"items": {"not": {"enum": options}}}}}),
            &list,
            true,
        ),
        (
            json!({"properties": {"a": {"uniqueItems": true}}}),
            &list,
            false,
        ),
        (nested(7, json!({"not": {}}), any), &list, false),
        (nested(14, json!({"maxProperties": 0}), both), &list, false),
        (nested(15, json!({"type": "null"}), closed), &deep, false),
        (nested(7, json!({"type": "null"}), doors), &list, false),
    ];
    for (schema, settings, fits) in schemas {
        let begun = Instant::now();
        let compiled = compile(&schema).unwrap_or_else(|error| unreachable!("{error}: {schema}"));
        assert_eq!(compiled.check(settings).is_ok(), fits, "{schema}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{schema}");
    }
}
