//! What routes do, however their paths are spelt.

use super::*;

fn routes(routes: &[(&str, Effect)]) -> Result<Routes, String> {
    Routes::parse(
        routes
            .iter()
            .map(|(route, effect)| ((*route).to_owned(), *effect)),
    )
}

#[test]
fn unknown_is_a_write_and_get_a_read() {
    let none = Routes::default();
    assert_eq!(none.effect(Method::Get, "/anything?x=1"), Effect::Read);
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        assert_eq!(none.effect(method, "/anything"), Effect::Write);
    }
}

#[test]
fn the_most_exact_route_decides() {
    let routes = routes(&[
        ("POST /a/*", Effect::Read),
        ("POST /a/b/*", Effect::Write),
        ("POST /a/b/c", Effect::Read),
        ("GET /a/act", Effect::Write),
    ])
    .unwrap();
    assert_eq!(routes.effect(Method::Post, "/a/x"), Effect::Read);
    assert_eq!(routes.effect(Method::Post, "/a/b/x"), Effect::Write);
    assert_eq!(routes.effect(Method::Post, "/a/b/c?q"), Effect::Read);
    assert_eq!(routes.effect(Method::Post, "/a"), Effect::Write);
    assert_eq!(routes.effect(Method::Put, "/a/x"), Effect::Write);
    assert_eq!(routes.effect(Method::Get, "/a/act"), Effect::Write);
}

/// An encoded letter makes another path, and so a write: never a way around a route.
#[test]
fn an_encoded_path_is_not_the_route() {
    let routes = routes(&[("POST /srl/check", Effect::Read)]).unwrap();
    assert_eq!(routes.effect(Method::Post, "/srl/%63heck"), Effect::Write);
    assert_eq!(routes.effect(Method::Post, "/srl//check"), Effect::Write);
    assert_eq!(routes.effect(Method::Post, "/srl/check/"), Effect::Write);
}

/// Nor is another spelling a way around a route that writes.
#[test]
fn another_spelling_of_a_write_is_no_read() {
    let routes = routes(&[
        ("GET /a/act", Effect::Write),
        ("GET /Make/*", Effect::Write),
        ("POST /a/*", Effect::Read),
        ("POST /a/b", Effect::Write),
        ("POST /a/b/read", Effect::Read),
        ("POST /a/c/*", Effect::Write),
    ])
    .unwrap();
    for path in [
        "/a/%61ct",
        "/a//act",
        "/a/ACT",
        "/a/act/",
        "/a%2fact",
        "/a/act;x",
        "/a/act%3Bx?q",
        "/a/act.",
        "/a/act...",
        "/a/act%20",
        "/a/%20act",
        "/a/act+",
        "/a/act%2B",
        "/a/act%2e%20",
        "/a/act.json",
        "/a/act.json/",
        "/a/act.%20;jsessionid=1",
        "/a%20/act",
        "/a/act%3fx",
        "/a/act&x=1",
        "/a/act,x",
        "/a/act%23x",
        "/a/act%2520",
        "/a/act;jsessionid=0A/",
        "/a/act::$DATA",
        "/a/act:",
        "/a/act%3a",
        "/a/act~",
        "/a/act!",
        "/a/act'",
        "/a/act%22",
        "/make/x",
        "/%4dake/x",
    ] {
        assert_eq!(routes.effect(Method::Get, path), Effect::Write, "{path}");
    }
    for path in [
        "/a/b/", "/a/%62", "/a//b", "/a/B", "/a/b;x", "/a/C/x", "/a/%63/x",
    ] {
        assert_eq!(routes.effect(Method::Post, path), Effect::Write, "{path}");
    }
    for path in ["/a/x", "/a/b/read", "/a/bb", "/a/x%20y", "/a/b/x"] {
        assert_eq!(routes.effect(Method::Post, path), Effect::Read, "{path}");
    }
    for path in ["/", "/a/actor", "/a/act-x", "/a/act%20x", "/a/.act"] {
        assert_eq!(routes.effect(Method::Get, path), Effect::Read, "{path}");
    }
}

/// A request that simulates in one reading and does something else in the other could be sent in
/// no mode.
#[test]
fn another_spelling_of_what_simulates_may_simulate() {
    let routes = routes(&[
        ("POST /sim/run", Effect::Simulate),
        ("POST /try/*", Effect::Simulate),
        ("POST /try/write", Effect::Write),
        ("POST /try/look", Effect::Read),
    ])
    .unwrap();
    for path in ["/sim/run", "/sim/run?x=/y", "/try/x"] {
        assert_eq!(
            routes.effect(Method::Post, path),
            Effect::Simulate,
            "{path}"
        );
        assert!(!routes.may_simulate(Method::Post, path), "{path}");
    }
    for path in [
        "/sim/RUN",
        "/sim//run",
        "/sim/run/",
        "/sim/%72un",
        "/sim/run;x",
        "/TRY/x",
        "/try/%77rite",
        "/try/Look",
    ] {
        assert_eq!(routes.effect(Method::Post, path), Effect::Write, "{path}");
        assert!(routes.may_simulate(Method::Post, path), "{path}");
    }
    for (method, path) in [
        (Method::Post, "/try/write"),
        (Method::Post, "/try/look"),
        (Method::Post, "/sim"),
        (Method::Get, "/sim/run"),
    ] {
        assert!(!routes.may_simulate(method, path), "{path}");
    }
}

/// A spelling that some service or proxy takes for the same path, made by one of many ways.
fn respelt(path: &str, ways: &[(u8, u8)]) -> String {
    let mut path = path.to_owned();
    for (way, place) in ways {
        let place = usize::from(*place) % path.len();
        let (before, behind) = path.split_at(place);
        let rest = behind.get(1..).unwrap_or_default();
        let one = behind.chars().next().unwrap_or('/');
        path = match way % 12 {
            0 => format!("{before}%{:02x}{rest}", u32::from(one)),
            1 => format!("{before}%{:02X}{rest}", u32::from(one)),
            2 => format!("{before}{}{rest}", one.to_ascii_uppercase()),
            3 => path.replacen('/', "//", 1),
            4 => path.replacen('/', "/%20", 1),
            5 => format!("{path}/"),
            6 => format!("{path}."),
            7 => format!("{path}%20"),
            8 => format!("{path};v=1"),
            9 => format!("{path}.json"),
            10 => format!("{path}+"),
            _ => format!("{path}%3Fx"),
        };
    }
    path
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 4_000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn no_spelling_of_a_write_is_a_read(ways: Vec<(u8, u8)>) {
        let routes = routes(&[("GET /a/act", Effect::Write), ("POST /a/*", Effect::Read),
            ("POST /a/act", Effect::Write)]).unwrap();
        let path = respelt("/a/act", ways.get(..6.min(ways.len())).unwrap());
        if path::check(&path).is_ok() {
            for method in [Method::Get, Method::Post] {
                proptest::prop_assert_eq!(routes.effect(method, &path), Effect::Write, "{}", path);
            }
        }
    }
}

/// What another spelling could be taken for counts on both sides: it is neither the route itself
/// nor a way out of what is below one.
#[test]
fn only_what_is_listed_is_among_the_routes() {
    let routes = routes(&[
        ("POST /a/b", Effect::Write),
        ("POST /c/*", Effect::Write),
        ("GET /d", Effect::Read),
    ])
    .unwrap();
    for (method, path) in [
        (Method::Post, "/a/b"),
        (Method::Post, "/a/b?q=/../x"),
        (Method::Post, "/c/x"),
        (Method::Post, "/c/x/%79"),
        (Method::Get, "/d"),
    ] {
        assert!(routes.has(method, path), "{path}");
    }
    for (method, path) in [
        (Method::Get, "/a/b"),
        (Method::Get, "/anything"),
        (Method::Post, "/d"),
        (Method::Post, "/a/%62"),
        (Method::Post, "/a/B"),
        (Method::Post, "/a//b"),
        (Method::Post, "/a/b/"),
        (Method::Post, "/a/b;x"),
        (Method::Post, "/a/b/c"),
        (Method::Post, "/C/x"),
        (Method::Post, "/%63/x"),
        (Method::Post, "/c"),
        (Method::Post, "/c/"),
        (Method::Post, "/c/;x"),
        (Method::Post, "/cc/x"),
    ] {
        assert!(!routes.has(method, path), "{path}");
    }
}

#[test]
fn bad_routes_are_named() {
    for route in ["/x", "POST", "FETCH /x", "POST x", "POST /../x"] {
        let error = routes(&[(route, Effect::Read)]).unwrap_err();
        assert!(error.contains(route), "{error}");
    }
}
