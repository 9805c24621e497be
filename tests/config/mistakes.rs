//! What is wrong is named with its place and remedy, before anything is started.

use tempfile::tempdir;

use super::file;
use crate::support::{Binary, assert_has};

/// A mistake, and what has to be said of it.
type Case<'a> = (&'a str, &'a [&'a str]);

#[test]
fn an_unknown_key_in_the_file_is_named() {
    let cases: [Case; 7] = [
        ("listn = \"x\"", &["listn"]),
        ("port = 1", &["port"]),
        ("[server]\nlisten = \"x\"", &["server"]),
        ("[services.srl]\nulr = \"http://x\"", &["services.srl.ulr"]),
        ("[policy]\nrequire = []", &["policy.require"]),
        ("[limits]\nbody = 1", &["limits.body"]),
        ("[limits.plugin]\ncpu = 1", &["limits.plugin.cpu"]),
    ];
    for (text, parts) in cases {
        let said = refused_file(text);
        assert_has(&said, &["mesh.toml is wrong", "is not known"]);
        assert_has(&said, parts);
    }
}

#[test]
fn a_wrong_value_in_the_file_is_named() {
    let cases: [Case; 22] = [
        (
            "[limits]\nplan_bytes = 1023",
            &["[limits] plan_bytes must be from 1024 to 268435456"],
        ),
        ("[limits]\nplan_bytes = 268435457", &["[limits] plan_bytes"]),
        ("listen = 5565", &["listen", "string"]),
        (
            "default_mode = \"FAST\"",
            &["default_mode", "SIMULATION", "DRY_RUN", "LIVE"],
        ),
        ("services = []", &["services"]),
        (
            "[services.mine]\ntimeout_ms = 1",
            &["[services.mine] has no url"],
        ),
        (
            "[services.srl]\nurl = \"localhost\"",
            &["[services.srl] url is not a URL"],
        ),
        (
            "[services.srl]\nurl = \"ftp://x\"",
            &["[services.srl] url must begin with http"],
        ),
        ("[services.srl]\nurl = \"http://\"", &["[services.srl] url"]),
        (
            "[services.srl]\nurl = \"http://x?y=1\"",
            &["[services.srl] url", "query"],
        ),
        (
            "[services.srl]\nurl = \"http://x#y\"",
            &["[services.srl] url", "fragment"],
        ),
        (
            "[services.srl]\ntimeout_ms = 0",
            &["[services.srl] timeout_ms is 0", "between 1 and 86400000"],
        ),
        ("[services.srl]\ntimeout_ms = \"1s\"", &["timeout_ms"]),
        (
            "[services.srl.headers]\n\"a b\" = \"x\"",
            &["[services.srl]", "\"a b\" names no header"],
        ),
        (
            "[services.srl.headers]\na = \"x\\ny\"",
            &["[services.srl]", "\"a\" is not legal"],
        ),
        (
            "[services.srl.routes]\n\"/srl\" = \"read\"",
            &["[services.srl]", "\"/srl\""],
        ),
        (
            "[services.srl.routes]\n\"FETCH /x\" = \"read\"",
            &["FETCH", "GET, POST"],
        ),
        (
            "[services.srl.routes]\n\"GET /x\" = \"maybe\"",
            &["maybe", "read", "write"],
        ),
        (
            "[limits]\nbody_bytes = 0",
            &["[limits] body_bytes", "at least 1"],
        ),
        ("[limits]\nsteps = -1", &["steps"]),
        (
            "[limits.plugin]\nmemory_bytes = 99999999999",
            &["[limits.plugin]", "memory"],
        ),
        ("listen = ", &["listen"]),
    ];
    for (text, parts) in cases {
        assert_has(&refused_file(text), parts);
    }
}

/// What is past a day, or past what a number of seconds or a date can hold, is refused by name.
#[test]
fn a_duration_that_nobody_can_wait_for_is_named() {
    let day = "between 0 and 86400000 milliseconds (a day)";
    let more = "between 1 and 86400000 milliseconds (a day)";
    for (name, range) in [
        ("[limits] step_ms", more),
        ("[limits] simulation_ms", more),
        ("[limits] client_ms", more),
        ("[limits] grace_ms", day),
        ("[limits.plugin] cpu_ms", "between 1 and 86400000 (a day)"),
        ("[limits.plugin] wall_ms", "between 1 and 86400000 (a day)"),
        (
            "[limits.plugin] compile_ms",
            "between 1 and 86400000 (a day)",
        ),
        ("[plugin.srl] cpu_ms", "between 1 and 86400000 (a day)"),
        ("[services.srl] timeout_ms", more),
        ("[run] first_wait_ms", more),
        ("[run] longest_wait_ms", more),
        ("[retry] first_wait_ms", day),
        ("[retry] longest_wait_ms", day),
        ("[breaker] open_ms", day),
        ("[quarantine] window_ms", more),
        ("[brain] first_wait_ms", more),
        ("[retention] events_days", "between 0 and 36500 days"),
        ("[retention] plans_days", "between 0 and 36500 days"),
        ("[retention] idle_days", "between 0 and 36500 days"),
    ] {
        let (section, setting) = name.split_once(' ').unwrap();
        let text = format!("{section}\n{setting} = 4294967295");
        assert_has(&refused_file(&text), &[name, range]);
    }
}

#[test]
fn a_wrong_grant_is_named() {
    let cases: [Case; 7] = [
        (
            "[plugin.campaign.grants]\ncampain = [\"reads\"]",
            &[
                "[plugin.campaign.grants] \"campain\" is no service",
                "campaign, ",
            ],
        ),
        (
            "[plugin.campaign.grants]\ncampaign = [\"/campaign/create\"]",
            &[
                "[plugin.campaign.grants] campaign",
                "\"/campaign/create\" must be a method",
            ],
        ),
        (
            "[plugin.campaign.headers]\ncampain = [\"x-tenant\"]",
            &[
                "[plugin.campaign.headers] \"campain\" is no service",
                "campaign",
            ],
        ),
        (
            "[plugin.campaign.headers]\ncampaign = [\"X-Forwarded-For\"]",
            &[
                "[plugin.campaign.headers] campaign",
                "X-Forwarded-For",
                "the host's to set",
            ],
        ),
        (
            "[plugin.campaign.grants]\ncampaign = [\"writes\"]",
            &["\"writes\" must be a method", "\"reads\" stands for"],
        ),
        (
            "[plugin.campaign.grants]\ncampaign = [\"FETCH /x\"]",
            &["[plugin.campaign.grants] campaign", "FETCH", "GET, POST"],
        ),
        (
            "[plugin.campaign.grants]\ncampaign = \"reads\"",
            &["plugin.campaign.grants.campaign", "sequence"],
        ),
    ];
    for (text, parts) in cases {
        assert_has(&refused_file(text), parts);
    }
}

#[test]
fn a_wrong_secret_is_named_and_not_shown() {
    let value = "8 to 4096 printable";
    let many: String = (0..9)
        .map(|n| format!("t{n} = \"{}\"\n", "s".repeat(4_096)))
        .collect();
    let many = format!("[secrets]\n{many}");
    let cases: [Case; 14] = [
        (&many, &["[secrets] has values of 36864 bytes", "32768"]),
        (
            "secrets = \"s3cr3t-value\"",
            &["a text, expected a map", "secrets"],
        ),
        (
            "[secrets]\ntoken = \"\"\"\ns3cr3t = \\q\"\"\"",
            &["line 3: "],
        ),
        ("[secrets]\ntoken = s3cr3t-value", &["line 2 token"]),
        ("\n[secrets]\ntoken = \"s3cr3t-value", &["line 3"]),
        ("[secrets]\ntoken = \"s3cr3t\"", &["[secrets] token", value]),
        (
            "[secrets]\ntoken = \"s3cr3t   \"",
            &["[secrets] token", value],
        ),
        (
            "[secrets]\ntoken = \"s3cr3t\\nof two lines\"",
            &["[secrets] token", value],
        ),
        (
            "[secrets]\ntoken = \"s3cr3t of the Grüns\"",
            &["[secrets] token", value],
        ),
        (
            "[secrets]\ntoken = 1234567890",
            &["secrets.token", "quotation marks"],
        ),
        (
            "[secrets]\nMy-token = \"s3cr3t-value\"",
            &["\"My-token\" names no secret", "a-z, 0-9"],
        ),
        (
            "[plugin.srl.secrets]\nsrl = [\"token\"]",
            &[
                "[plugin.srl.secrets] srl",
                "no secret \"token\"",
                "[secrets]",
            ],
        ),
        (
            "[secrets]\ntoken = \"s3cr3t-value\"\n[plugin.srl.secrets]\nslr = [\"token\"]",
            &["[plugin.srl.secrets] \"slr\" is no service", "srl"],
        ),
        (
            "[services.srl.headers]\na = 1234567890",
            &["srl.headers.a", "quotation marks"],
        ),
    ];
    for (text, parts) in cases {
        let said = refused_file(text);
        assert_has(&said, parts);
        assert!(
            !said.contains("s3cr3t") && !said.contains("12345"),
            "{said}"
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let data = tempdir().unwrap();
    let missing = data.path().join("missing.toml");
    let (code, said) = Binary::run("serve", data.path())
        .arg("--config")
        .arg(&missing)
        .fails();
    assert_eq!(code, Some(1));
    let missing = missing.display().to_string();
    assert_has(
        &said,
        &["can't read the configuration", &missing, "No such file"],
    );
}

#[test]
fn a_wrong_variable_is_named() {
    let data = tempdir().unwrap();
    let cases = [
        ("MESH_SERVICES__SRL__TIMEOUT_MS", "soon"),
        ("MESH_DEFAULT_MODE", "FAST"),
        ("MESH_LIMITS__STEPS", "-1"),
        ("MESH_POLICY__LIVE_REQUIRES", "srl"),
    ];
    for (name, value) in cases {
        let (code, said) = Binary::run("serve", data.path()).env(name, value).fails();
        assert_eq!(code, Some(1), "{name}");
        assert_has(&said, &[&format!("the variable {name} is wrong")]);
    }
    let (code, said) = Binary::run("serve", data.path())
        .env("MESH_SERVICES__MINE__TIMEOUT_MS", "5")
        .fails();
    assert_eq!(code, Some(1));
    assert_has(&said, &["[services.mine] has no url"]);
}

#[test]
fn a_wrong_address_is_named() {
    let data = tempdir().unwrap();
    for address in ["nonsense", "127.0.0.1", "127.0.0.1:99999", "192.0.2.1:80"] {
        let (code, said) = Binary::run("serve", data.path())
            .arg("--listen")
            .arg(address)
            .fails();
        assert_eq!(code, Some(1), "{address}");
        assert_has(&said, &[&format!("can't listen on {address}"), "--listen"]);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempdir().unwrap();
    let (code, said) = Binary::run("serve", data.path())
        .arg("--listen")
        .arg(&address)
        .fails();
    assert_eq!(code, Some(1));
    assert_has(
        &said,
        &[&format!("can't listen on {address}"), "port 0", "in use"],
    );
}

#[test]
fn a_data_folder_that_is_none_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "").unwrap();
    let (code, said) = Binary::run("serve", &path).fails();
    assert_eq!(code, Some(1));
    assert_has(&said, &["data folder", &path.display().to_string()]);
}

#[test]
fn a_data_folder_in_use_is_refused() {
    let data = tempdir().unwrap();
    let mut first = Binary::run("serve", data.path()).spawn();
    first.url();
    let (code, said) = Binary::run("serve", data.path()).fails();
    assert_eq!(code, Some(1));
    assert_has(&said, &["another codex-mesh", "--data-dir"]);
}

#[test]
fn a_database_that_is_none_is_named() {
    let data = tempdir().unwrap();
    std::fs::write(data.path().join("mesh.db"), "no database".repeat(1000)).unwrap();
    let (code, said) = Binary::run("serve", data.path()).fails();
    assert_eq!(code, Some(1));
    assert_has(&said, &["can't use the database", "mesh.db"]);
}

#[test]
fn a_missing_plugins_folder_is_named() {
    let data = tempdir().unwrap();
    let missing = data.path().join("missing");
    let (code, said) = Binary::run("serve", data.path())
        .arg("--plugins")
        .arg(&missing)
        .fails();
    assert_eq!(code, Some(1));
    assert_has(&said, &["plugins folder", &missing.display().to_string()]);
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let cases: [(&[&str], &str); 5] = [
        (&[], "Usage"),
        (&["server"], "server"),
        (&["serve", "--port", "1"], "--port"),
        (
            &["serve", "--default-mode", "fast"],
            "SIMULATION, DRY_RUN, LIVE",
        ),
        (&["serve", "--listen"], "--listen"),
    ];
    for (args, part) in cases {
        let (code, said) = Binary::bare().args(args).fails();
        assert_eq!(code, Some(2), "{args:?}");
        assert_has(&said, &[part]);
    }
}

#[test]
fn help_names_every_flag() {
    for command in ["serve", "dev"] {
        let mut process = Binary::bare().args(&[command, "--help"]).spawn();
        assert!(process.ended().success());
        let said = process.stdout.rest();
        let flags = [
            "--listen",
            "--data-dir",
            "--config",
            "--plugins",
            "--default-mode",
        ];
        assert_has(&said, &flags);
        assert_has(&said, &["127.0.0.1:5565", "MESH_"]);
    }
}

/// What is said of a file with a mistake, which must be refused.
fn refused_file(text: &str) -> String {
    let (folder, path) = file(text);
    let (code, said) = Binary::run("serve", &folder.path().join("data"))
        .env_remove("MESH_LISTEN")
        .arg("--config")
        .arg(&path)
        .fails();
    assert_eq!(code, Some(1), "{text}: {said}");
    assert!(said.starts_with("error: "), "{said}");
    assert!(!folder.path().join("data").exists(), "{text}");
    said
}
