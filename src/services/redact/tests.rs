//! In which forms a value is found, and what stays as it is.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::*;

const VALUE: &str = r#"k+/"e\y <&>'~=*1"#;

fn redactor(values: &[&str]) -> Redactor {
    let mut secrets = Secrets::default();
    for (index, value) in values.iter().enumerate() {
        secrets.insert(index.to_string(), value.parse().unwrap());
    }
    Redactor::new(&secrets, &Catalogue::default()).unwrap()
}

#[test]
fn a_value_is_found_in_the_forms_in_which_services_write_it() {
    let redactor = redactor(&[VALUE]);
    for form in [
        VALUE,
        r#"K+/"E\Y <&>'~=*1"#,
        r#"k+/\"e\\y <&>'~=*1"#,
        r#"k+\/\"e\\y <&>'~=*1"#,
        r#"k\u002B/\u0022e\\y \u003C\u0026\u003E\u0027~=*1"#,
        "k%2B%2F%22e%5Cy%20%3C%26%3E%27~%3D%2A1",
        "k%2b%2f%22e%5cy%20%3c%26%3e'~%3d*1",
        "k+/%22e%5Cy%20%3C&%3E'~=*1",
        "k%2B%2F%22e%5Cy+%3C%26%3E%27%7E%3D*1",
        "6B2B2F22655C79203C263E277E3D2A31",
        "%6b%2b%2f%22%65%5c%79%20%3c%26%3e%27%7e%3d%2a%31",
    ] {
        for text in [
            form.to_owned(),
            format!("a{form}b"),
            format!("{form}{form}"),
        ] {
            let clean = redactor.clean(text.clone());
            assert_eq!(clean, text.replace(form, LEFT), "{text}");
            assert_ne!(redactor.values_in(&text), Values::default());
            assert_eq!(redactor.values_in(&clean), Values::default());
        }
    }
}

#[test]
fn a_value_is_found_in_base64_wherever_it_is_in_the_text() {
    let redactor = redactor(&[VALUE]);
    for before in ["", "u", "us", "us:", "user"] {
        for after in ["", ":", "::", ":::"] {
            let text = format!("{before}{VALUE}{after}");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let clean = redactor.clean(encoded.clone());
                assert!(clean.contains(LEFT), "{text}: {clean}");
                // What is left is what was around it, and at most half a letter more.
                let around = before.len() + after.len();
                assert!(
                    clean.len() <= LEFT.len() + around * 2 + 6,
                    "{text}: {clean}"
                );
            }
        }
    }
}

#[test]
fn what_services_are_sent_is_found_as_a_whole_and_word_by_word() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer t0ken-0f-it".parse().unwrap());
    headers.insert(ACCEPT, "application/json".parse().unwrap());
    headers.insert("x-tenant", "prod".parse().unwrap());
    headers.insert("x-team", "blue-team".parse().unwrap());
    let service = crate::services::Service {
        name: "srl".to_owned(),
        base: "http://user:p%40ssword@127.0.0.1/".parse().unwrap(),
        timeout: std::time::Duration::ZERO,
        proxy: Some("http://mesh:pr0xy-password@127.0.0.1/".parse().unwrap()),
        headers,
        routes: crate::services::Routes::default(),
        idempotent: false,
    };
    let services = Catalogue::new([service]);
    let redactor = Redactor::new(&Secrets::default(), &services).unwrap();
    let echo = "Bearer t0ken-0f-it, t0ken-0f-it, application/json, prod, user:p@ssword, \
                mesh:pr0xy-password";
    let clean = redactor.clean(echo.to_owned());
    assert_eq!(
        clean,
        "[secret], [secret], application/json, prod, user:[secret], mesh:[secret]"
    );
    let basic = STANDARD.encode("user:p@ssword");
    assert_ne!(redactor.clean(basic.clone()), basic);
    // A word that anybody may say is taken out, and is no guess.
    let none = Values::default();
    for (text, is_guess) in [
        ("p@ssword", true),
        ("t0ken-0f-it", true),
        ("blue-team", false),
    ] {
        assert_eq!(
            redactor.has_other(&redactor.values_in(text), &none),
            is_guess,
            "{text}"
        );
        assert_eq!(redactor.clean(text.to_owned()), LEFT);
    }
}

#[test]
fn a_value_that_somebody_knows_stays() {
    let redactor = redactor(&["12345678", "another-one"]);
    let known = redactor.values_in("1 2 MTIzNDU2Nzg=");
    assert_eq!(known, redactor.values_in("12345678"));
    let text = "12345678 %31%32345678 31323334353637383 another-one".to_owned();
    let has_other = |text: &str| redactor.has_other(&redactor.values_in(text), &known);
    assert!(has_other(&text) && !has_other("12345678"));
    let clean = redactor.clean_but(text, &known);
    assert_eq!(clean, "12345678 %31%32345678 31323334353637383 [secret]");
}

#[test]
fn what_is_no_value_stays_as_it_is() {
    for redactor in [redactor(&[]), redactor(&[VALUE, "another-one"])] {
        for text in ["", "k+/", "another", "\u{1f511} ünïcödé"] {
            assert_eq!(redactor.clean(text.to_owned()), text);
        }
    }
    // The longer of two that begin alike goes as a whole.
    let redactor = redactor(&["12345678", "12345678-90"]);
    assert_eq!(
        redactor.clean("12345678-90 12345678".to_owned()),
        "[secret] [secret]"
    );
}
