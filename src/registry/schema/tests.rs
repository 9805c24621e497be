//! What schemas are taken, which are refused, and what wrong settings are told.

use std::time::{Duration, Instant};

use serde_json::{Map, json};

use super::survey::{DEPTH, DIALECT, PARTS, PATTERN, PATTERNS};
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

/// What a check is said to take is what it takes at the most, give or take the machine.
#[test]
fn the_work_is_known_before() {
    let all = |schema: Value, count: usize| json!({"allOf": vec![schema; count]});
    let a = |schema: Value| json!({"properties": {"a": schema}});
    let items = |schema: Value| a(json!({"items": schema}));
    let text = json!({"a": "abc".repeat(5_000)});
    let unlike = json!({"not": {"const": "x"}});
    let cases = [
        (a(json!({"pattern": "[a-c]*a[a-c]{6000}[d-z]"})), text),
        (items(all(unlike, 600)), json!({"a": vec!["y"; 3_000]})),
        (
            items(all(json!({"multipleOf": 3.7e-308}), 100)),
            json!({"a": vec![1.1e308; 500]}),
        ),
        (
            a(all(json!({"uniqueItems": true}), 900)),
            json!({"a": (0..3_000).collect::<Vec<_>>()}),
        ),
    ];
    for (schema, settings) in cases {
        let schema = compile(&schema).unwrap();
        let begun = Instant::now();
        let _ = schema.check(&settings);
        let nanos = begun.elapsed().as_nanos();
        let work = u128::try_from(schema.work(&settings)).unwrap();
        assert!(nanos < work * 20, "{nanos} ns for {work} steps: {schema:?}");
    }
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_written() {
    let integer = compile(&json!({"type": "integer"})).unwrap();
    for (text, fits) in [
        ("30", true),
        ("30.0", true),
        ("3e1", true),
        ("300e-1", true),
        ("-0.0", true),
        ("1e300", true),
        ("18446744073709551616", true),
        ("-9223372036854775809", true),
        ("30.5", false),
        ("1e-1", false),
        ("5e-324", false),
        ("\"30\"", false),
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(integer.check(&value).is_ok(), fits, "{text}");
    }
    assert!(
        serde_json::from_str::<Value>("1e400").is_err(),
        "no number at all"
    );
    for (schema, text, fits) in [
        (json!({"multipleOf": 10}), "3e1", true),
        (json!({"multipleOf": 7}), "30.0", false),
        (json!({"multipleOf": 0.5}), "30", true),
        (json!({"multipleOf": 0.5}), "3.25e1", true),
        (json!({"multipleOf": 3}), "-0.0", true),
        (json!({"multipleOf": 3}), "-9.0", true),
        (json!({"maximum": 30}), "3e1", true),
        (json!({"exclusiveMaximum": 30}), "30.0", false),
        (
            json!({"minimum": 18_446_744_073_709_551_615_u64}),
            "1e19",
            false,
        ),
        (json!({"const": 30}), "30.0", true),
        (json!({"const": 3e1}), "30", true),
        (json!({"enum": [0]}), "-0.0", true),
        (json!({"enum": [30]}), "30.5", false),
        (json!({"uniqueItems": true}), "[30, 3e1]", false),
        (json!({"type": ["integer", "null"]}), "30.0", true),
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        let checked = compile(&schema).unwrap().check(&value);
        assert_eq!(checked.is_ok(), fits, "{schema}: {text}");
    }
}

/// Compiling them is bounded as well, also where a small pattern stands for a huge one.
#[test]
fn a_pattern_that_is_huge_is_refused_soon() {
    for pattern in [
        "^a{4294967295}b$",
        "(a{1000}){1000}{1000}{1000}",
        "(?:a?){4294967295}b",
        "((?:)){4294967295}b",
        "(\\b){4294967295}b",
        "[^\\s\\S]{4294967295}b",
        "(?i)(\\p{L}{1000}){1000}b",
        "(((((((((a{0,30}){0,30}){0,30}){0,30}){0,30}){0,30}){0,30}){0,30}){0,30}){0,30}b",
        "(\\w{1,255}|\\W{1,255}){1,255}b",
    ] {
        let begun = Instant::now();
        let schema = json!({"anyOf": vec![json!({"pattern": pattern}); PATTERNS]});
        if let Ok(schema) = compile(&schema) {
            let _ = schema.check(&json!("ab"));
        }
        let elapsed = begun.elapsed();
        assert!(elapsed < Duration::from_secs(10), "{pattern}: {elapsed:?}");
    }
}
