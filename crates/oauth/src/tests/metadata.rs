//! Which providers are accepted (R1, R3, R8), and what the operator is told.

use cloakroom_core::jwt::Algorithm;
use serde_json::{Value, json};

use super::{ISSUER, client, peer::Peer};
use crate::{
    Client, IssuerError, MAX_ANSWER_BYTES, Metadata, MetadataFault, check_issuer,
    discovery_request, jwks_request, published_jwks_url,
};

fn with(name: &str, value: Value) -> Value {
    let mut document = Peer::document();
    document[name] = value;
    document
}

fn without(name: &str) -> Value {
    let mut document = Peer::document();
    document.as_object_mut().unwrap().remove(name);
    document
}

fn parse(document: &Value) -> Result<Metadata, MetadataFault> {
    Metadata::parse(&client(), document.to_string().as_bytes()).map_err(|error| error.fault)
}

#[test]
fn r8_the_issuer_must_be_the_configured_one() {
    for issuer in [
        format!("{ISSUER}/"),
        ISSUER.to_uppercase(),
        "https://evil.example".to_owned(),
        String::new(),
        format!("{ISSUER}\r\nSet-Cookie: x"),
    ] {
        let fault = parse(&with("issuer", json!(issuer))).unwrap_err();
        assert_eq!(fault, MetadataFault::OtherIssuer(format!("{issuer:?}")));
        assert!(!fault.to_string().contains('\n'), "one line of a log");
    }
    assert_eq!(parse(&without("issuer")).unwrap_err(), MetadataFault::Missing("issuer"));
    let long = parse(&with("issuer", json!("x".repeat(10_000)))).unwrap_err();
    assert!(long.to_string().len() < 400);
}

#[test]
fn r3_pkce_with_s256_must_be_promised() {
    for document in [
        without("code_challenge_methods_supported"),
        with("code_challenge_methods_supported", json!(["plain"])),
        with("code_challenge_methods_supported", json!(["s256"])),
        with("code_challenge_methods_supported", json!("S256")),
        with("code_challenge_methods_supported", json!([])),
    ] {
        assert_eq!(parse(&document).unwrap_err(), MetadataFault::NoPkce);
        let overridden = Client { allow_missing_pkce_metadata: true, ..client() };
        assert!(Metadata::parse(&overridden, document.to_string().as_bytes()).is_ok());
    }
}

#[test]
fn r1_the_code_flow_must_be_offered() {
    let implicit = with("response_types_supported", json!(["id_token", "code token"]));
    assert_eq!(parse(&implicit).unwrap_err(), MetadataFault::NoCodeFlow);
    assert!(parse(&without("response_types_supported")).is_ok());
}

#[test]
fn endpoints_are_https_or_on_this_machine() {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "end_session_endpoint",
    ] {
        for url in [
            "http://login.example.org/x",
            "http://localhost.evil.example/x",
            "http://127.0.0.1.evil.example/x",
            "ftp://login.example.org/x",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user:pass@login.example.org/x",
            "https://login.example.org/x#fragment",
        ] {
            let fault = parse(&with(name, json!(url))).unwrap_err();
            assert_eq!(fault, MetadataFault::UnsafeUrl(name), "{url}");
        }
        for url in ["http://127.0.0.1:4000/x", "http://localhost:4000/x", "http://[::1]:4000/x"] {
            let fault = parse(&with(name, json!(url))).unwrap_err();
            assert_eq!(fault, MetadataFault::UnsafeUrl(name), "{url}: of a provider elsewhere");
            let local = Client { issuer: "http://localhost:4000".to_owned(), ..client() };
            let mut document = with(name, json!(url));
            document["issuer"] = json!(local.issuer);
            assert!(Metadata::parse(&local, document.to_string().as_bytes()).is_ok(), "{url}");
        }
        for odd in [json!("/relative"), json!(""), json!(7), json!(["https://login.example.org"])] {
            assert_eq!(parse(&with(name, odd)).unwrap_err(), MetadataFault::Missing(name));
        }
    }
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        assert_eq!(parse(&without(name)).unwrap_err(), MetadataFault::Missing(name));
    }
    for name in ["revocation_endpoint", "end_session_endpoint"] {
        assert!(parse(&without(name)).is_ok());
        assert!(parse(&with(name, json!(null))).is_ok());
    }
}

#[test]
fn r51_a_provider_must_sign_with_an_accepted_algorithm() {
    let name = "id_token_signing_alg_values_supported";
    for weak in [json!(["none"]), json!(["HS256", "ES256K"]), json!([])] {
        assert_eq!(parse(&with(name, weak)).unwrap_err(), MetadataFault::NoAlgorithm);
    }
    let mixed = parse(&with(name, json!(["HS256", "ES512", "HS512"]))).unwrap();
    assert_eq!(mixed.id_token_algorithms, [Algorithm::Es512], "the client secret signs nothing");
    assert!(parse(&without(name)).is_ok(), "then it is RS256");
}

#[test]
fn what_is_no_metadata() {
    for body in [&b""[..], b"<html>", b"[]", b"{\"issuer\":\"a\",\"issuer\":\"b\"}", b"\xff"] {
        let error = Metadata::parse(&client(), body).unwrap_err();
        assert_eq!(error.fault, MetadataFault::NotJson);
        assert!(error.to_string().starts_with(&format!("the provider {ISSUER}: ")), "{error}");
    }
    let mut long = Peer::new().discovery();
    long.resize(MAX_ANSWER_BYTES + 1, b' ');
    assert_eq!(Metadata::parse(&client(), &long).unwrap_err().fault, MetadataFault::NotJson);
}

#[test]
fn the_message_says_what_to_do() {
    let text = Metadata::parse(
        &client(),
        without("code_challenge_methods_supported").to_string().as_bytes(),
    )
    .unwrap_err()
    .to_string();
    assert!(text.contains("allow_missing_pkce_metadata = true"), "{text}");
    let text = Metadata::parse(
        &client(),
        with("issuer", json!("https://other.example")).to_string().as_bytes(),
    )
    .unwrap_err()
    .to_string();
    assert!(text.contains("\"https://other.example\"") && text.contains("`issuer`"), "{text}");
}

#[test]
fn issuers_and_where_they_describe_themselves() {
    for (issuer, url) in [
        ("https://login.example.org", "https://login.example.org/.well-known/openid-configuration"),
        (
            "https://login.example.org/",
            "https://login.example.org/.well-known/openid-configuration",
        ),
        (ISSUER, "https://login.example.org/realms/shop/.well-known/openid-configuration"),
        ("https://a.example/t/", "https://a.example/t/.well-known/openid-configuration"),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000/.well-known/openid-configuration"),
        ("http://localhost:4000", "http://localhost:4000/.well-known/openid-configuration"),
    ] {
        assert_eq!(discovery_request(issuer).unwrap().uri(), url);
    }
    for (issuer, error) in [
        ("login.example.org", IssuerError::NotAUrl),
        ("", IssuerError::NotAUrl),
        ("http://login.example.org", IssuerError::NotHttps),
        ("http://op.localhost:4000", IssuerError::NotHttps),
        ("ftp://login.example.org", IssuerError::NotHttps),
        ("https://login.example.org?tenant=1", IssuerError::MoreThanPath),
        ("https://login.example.org/#x", IssuerError::MoreThanPath),
        ("https://me@login.example.org", IssuerError::MoreThanPath),
    ] {
        assert_eq!(check_issuer(issuer), Err(error), "{issuer}");
        assert_eq!(discovery_request(issuer).unwrap_err(), error);
    }
}

/// For who verifies an issuer's tokens and is no client of it: nothing else of the metadata counts.
#[test]
fn r8_the_keys_are_where_the_issuer_itself_says() {
    let url = |document: &Value| published_jwks_url(ISSUER, document.to_string().as_bytes());
    let minimal = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks") });
    let found = url(&minimal).unwrap();
    assert_eq!(jwks_request(&found).uri().to_string(), format!("{ISSUER}/jwks"));
    for (document, fault) in [
        (with("issuer", json!("https://evil.example")), "OtherIssuer"),
        (without("issuer"), "Missing"),
        (without("jwks_uri"), "Missing"),
        (with("jwks_uri", json!("http://login.example.org/jwks")), "UnsafeUrl"),
        (with("jwks_uri", json!("http://127.0.0.1/jwks")), "UnsafeUrl"),
        (json!([]), "NotJson"),
    ] {
        let refused = url(&document).unwrap_err();
        assert!(format!("{:?}", refused.fault).starts_with(fault), "{refused}");
    }
}
