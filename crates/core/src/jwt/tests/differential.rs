//! Our verdict beside that of jsonwebtoken, an implementation by others with other parsers: what we
//! believe it believes too; where only it does, the reason is on the list of where we are stricter.
//!
//! Its check of signatures is also ours, so that of this nothing is shown here: the judges of that are
//! the published vectors and the tokens that another implementation signed.

use std::cell::Cell;

use jsonwebtoken::{DecodingKey, Validation, get_current_timestamp};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Map, Value};

use super::{
    super::{
        Algorithm, AudienceRule, Expectation, IssuerRule, JwtError, TokenKind, json::MAX_DEPTH,
        verify,
    },
    CLIENT, ISSUER,
    signer::{KID, SECRET, Signer, encode},
};
use crate::time::Timestamp;

/// What jsonwebtoken knows: all but ES512.
const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
];

/// Seconds from now, all far enough from the leeway of 30 that a slow machine changes nothing.
const OFFSETS: [i64; 7] = [-100_000, -60, -10, 0, 10, 60, 100_000];

/// One way of spoiling a good token; the texts are JSON as it stands in the token.
#[derive(Clone, Debug)]
enum Change {
    /// Members of the header or the claims, before signing.
    Set(Part, &'static str, String),
    Twice(Part, &'static str, String),
    Remove(Part, &'static str),
    /// Text around or instead of the JSON, before signing.
    Wrap(Part, &'static str, &'static str),
    /// The finished token: what is put at the place of that many characters.
    Splice(usize, usize, &'static str),
    /// The signature of another key, or of another algorithm with the same key.
    SignedByAnother,
    SignedAs(Algorithm),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Header,
    Claims,
}

fn values() -> impl Strategy<Value = String> {
    let texts = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1",
        "1e400",
        "1e300",
        "-0.0",
        "0.5",
        "\"\"",
        "\"x\"",
        "\"9999999999\"",
        "[]",
        "{}",
        "[1]",
        "[null]",
        "{\"a\":1,\"a\":2}",
        "\"JWT\"",
        "\"at+jwt\"",
        "\"logout+jwt\"",
        "\"none\"",
        "\"HS256\"",
        "\"RS256\"",
        "\"ES256\"",
        "\"key-1\"",
        "\"\\u006bey-1\"",
        "\"\\ud800\"",
        "[\"exp\"]",
        "[\"b64\"]",
        "[\"shop-web\"]",
        "[\"shop-web\",\"other\"]",
        "[\"other\"]",
        "[\"shop-web\",7]",
        "\"shop-web\"",
        "\"shop-web \"",
        "\"https://login.example.org/realms/shop\"",
        "[\"https://login.example.org/realms/shop\"]",
        "\"https://login.example.org/realms/shop/\"",
        "\"Bearer\"",
        "\"ID\"",
        "18446744073709551615",
        "18446744073709551616",
        "{\"http://schemas.openid.net/event/backchannel-logout\":{}}",
    ]);
    let deep = (1_usize..80).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    let time = (prop::sample::select(OFFSETS.to_vec()), 0_usize..3).prop_map(|(offset, form)| {
        let at = i64::try_from(get_current_timestamp()).unwrap() + offset;
        match form {
            0 => at.to_string(),
            1 => format!("{at}.25"),
            _ => format!("\"{at}\""),
        }
    });
    prop_oneof![4 => texts.prop_map(str::to_owned), 1 => deep, 3 => time]
}

fn names() -> impl Strategy<Value = (Part, &'static str)> {
    let header =
        prop::sample::select(vec!["alg", "kid", "typ", "crit", "b64", "jku", "x5u", "zzz"]);
    let claims = prop::sample::select(vec![
        "iss", "aud", "sub", "exp", "nbf", "iat", "nonce", "typ", "events", "at_hash", "zzz",
    ]);
    prop_oneof![
        1 => header.prop_map(|name| (Part::Header, name)),
        2 => claims.prop_map(|name| (Part::Claims, name)),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let part = || prop::sample::select(vec![Part::Header, Part::Claims]);
    let splices = prop::sample::select(vec![
        "", "A", "B", "=", "==", ".", "..", "+", "/", "-", "_", " ", "\n", "\t", "%", "é", "\0",
        "AA",
    ]);
    prop_oneof![
        8 => (names(), values()).prop_map(|((part, name), value)| Change::Set(part, name, value)),
        2 => (names(), values()).prop_map(|((part, name), value)| Change::Twice(part, name, value)),
        2 => names().prop_map(|(part, name)| Change::Remove(part, name)),
        1 => (part(), prop::sample::select(vec!["", " ", "\u{feff}", "[", "\n\t"]),
              prop::sample::select(vec!["", " ", "x", "]", "{}", ","]))
            .prop_map(|(part, before, after)| Change::Wrap(part, before, after)),
        4 => (0_usize..2000, 0_usize..3, splices).prop_map(|(at, n, by)| Change::Splice(at, n, by)),
        1 => Just(Change::SignedByAnother),
        1 => prop::sample::select(ALGORITHMS.to_vec()).prop_map(Change::SignedAs),
    ]
}

/// The token that comes of it.
fn forge(algorithm: Algorithm, changes: &[Change]) -> String {
    let now = get_current_timestamp();
    let mut header = vec![
        ("alg", format!("\"{}\"", algorithm.name())),
        ("kid", format!("\"{KID}\"")),
        ("typ", "\"JWT\"".to_owned()),
    ];
    let mut claims = vec![
        ("iss", format!("\"{ISSUER}\"")),
        ("aud", format!("\"{CLIENT}\"")),
        ("sub", "\"f:1:alice\"".to_owned()),
        ("iat", now.to_string()),
        ("exp", (now + 300).to_string()),
    ];
    let mut wraps = [("", ""), ("", "")];
    let mut signer = Signer::of(algorithm);
    for change in changes {
        match change {
            Change::Set(part, name, value) => {
                let members = if *part == Part::Header { &mut header } else { &mut claims };
                members.retain(|(known, _)| known != name);
                members.push((name, value.clone()));
            }
            Change::Twice(part, name, value) => {
                let members = if *part == Part::Header { &mut header } else { &mut claims };
                members.push((name, value.clone()));
            }
            Change::Remove(part, name) => {
                let members = if *part == Part::Header { &mut header } else { &mut claims };
                members.retain(|(known, _)| known != name);
            }
            Change::Wrap(part, before, after) => wraps[*part as usize] = (before, after),
            Change::SignedByAnother if algorithm.is_symmetric() => {
                signer = Signer::with_secret(algorithm, &SECRET[1..]);
            }
            Change::SignedByAnother => signer = Signer::other(algorithm),
            Change::SignedAs(other) => signer = Signer::of(*other),
            Change::Splice(..) => {}
        }
    }
    let text = |members: &[(&str, String)], (before, after): (&str, &str)| {
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{before}{{{}}}{after}", members.join(","))
    };
    let signed = format!("{}.{}", encode(text(&header, wraps[0])), encode(text(&claims, wraps[1])));
    let mut token = format!("{signed}.{}", encode(signer.signature(&signed)));
    for change in changes {
        if let Change::Splice(at, characters, by) = change {
            let all: Vec<char> = token.chars().collect();
            let at = at % all.len();
            let end = (at + characters).min(all.len());
            token = [&all[..at], &by.chars().collect::<Vec<_>>(), &all[end..]]
                .concat()
                .iter()
                .collect();
        }
    }
    token
}

fn ours(algorithm: Algorithm, token: &str) -> Result<Map<String, Value>, JwtError> {
    let expect = Expectation {
        issuer: IssuerRule::Is(ISSUER),
        audience: AudienceRule::Includes(CLIENT),
        algorithms: &[algorithm],
        kind: TokenKind::IdToken,
        leeway: std::time::Duration::from_secs(30),
    };
    let now = Timestamp::from_unix_seconds(get_current_timestamp());
    let keys = Signer::of(algorithm).key_set();
    verify(token, &keys, &expect, now).map(|verified| verified.claims().clone())
}

/// Set up as strictly as it lets itself be; `kid` is left to its users.
fn theirs(algorithm: Algorithm, token: &str) -> Result<Map<String, Value>, String> {
    let named = serde_json::from_value(algorithm.name().into()).unwrap();
    let mut validation = Validation::new(named);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[CLIENT]);
    let signer = Signer::of(algorithm);
    let key = if algorithm.is_symmetric() {
        DecodingKey::from_secret(SECRET)
    } else {
        DecodingKey::from_jwk(&serde_json::from_value(signer.jwk()).unwrap()).unwrap()
    };
    let decoded = jsonwebtoken::decode(token, &key, &validation).map_err(|e| e.to_string())?;
    match decoded.header.kid.as_deref() {
        // The one shared secret is for every name.
        _ if algorithm.is_symmetric() => Ok(decoded.claims),
        None | Some(KID) => Ok(decoded.claims),
        Some(_) => Err("another key".to_owned()),
    }
}

/// Where we are stricter than it, and nowhere else.
fn is_on_the_list(error: JwtError, changes: &[Change], header: &Value, claims: &Value) -> bool {
    let is_date = |name: &str| claims[name].as_f64().is_some();
    match error {
        // It passes over what it does not read: a member twice, a lone surrogate, a number without a
        // value; and it nests deeper.
        JwtError::Json(_) => changes.iter().any(|change| match change {
            Change::Twice(..) => true,
            Change::Set(_, _, value) => {
                value.contains(r#""a":1,"a":2"#)
                    || value.contains(r"\ud800")
                    || value == "1e400"
                    || value.starts_with(&"[".repeat(MAX_DEPTH))
            }
            _ => false,
        }),
        // Extensions that it does not know it passes over.
        JwtError::Critical => header.get("crit").is_some() || header.get("b64").is_some(),
        // It knows no kinds of tokens: any `typ`, and claims that only another kind has.
        JwtError::Kind => {
            header["typ"] != "JWT"
                || claims.get("events").is_some()
                || matches!(claims["typ"].as_str(), Some("Bearer" | "Refresh" | "Offline"))
        }
        // `null` counts as absent, an `iss` may be a list, `nbf` and `sub` and `iat` are as they like.
        JwtError::WrongType(name @ ("kid" | "typ")) => !header[name].is_string(),
        JwtError::WrongType("iss") => claims["iss"].is_array(),
        JwtError::WrongType(name @ ("nbf" | "iat")) => !is_date(name),
        JwtError::WrongType("sub") => !claims["sub"].is_string(),
        // It has no year 9999, and does not look at `iat`.
        JwtError::TimeRange(name) => is_date(name),
        JwtError::IssuedInFuture => is_date("iat"),
        // An ID Token has a subject and a time of issue.
        JwtError::Missing(name @ "iat") => claims.get(name).is_none(),
        JwtError::Missing("sub") => claims.get("sub").is_none_or(|sub| sub == ""),
        _ => false,
    }
}

fn read(token: &str, part: usize) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(part).unwrap_or_default();
    let json = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

#[test]
fn both_believe_good_tokens_of_every_algorithm() {
    for algorithm in ALGORITHMS {
        let token = forge(algorithm, &[]);
        assert_eq!(ours(algorithm, &token).unwrap(), theirs(algorithm, &token).unwrap());
        let foreign = forge(algorithm, &[Change::SignedByAnother]);
        assert_eq!(ours(algorithm, &foreign), Err(JwtError::Signature));
        assert_eq!(theirs(algorithm, &foreign).unwrap_err(), "InvalidSignature");
    }
}

#[test]
fn what_we_believe_others_believe_too() {
    let (both, neither, stricter) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
    let cases = (prop::sample::select(ALGORITHMS.to_vec()), prop::collection::vec(changes(), 0..4));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&cases, |(algorithm, changes)| {
        let token = forge(algorithm, &changes);
        match (ours(algorithm, &token), theirs(algorithm, &token)) {
            (Ok(ours), Ok(theirs)) => {
                count(&both);
                prop_assert_eq!(ours, theirs);
            }
            (Err(_), Err(_)) => count(&neither),
            (Ok(_), Err(theirs)) => {
                // R52: these have no say, so their types have none.
                let header = read(&token, 0);
                let ignored = ["jku", "x5u"].iter().any(|name| {
                    header.get(name).is_some_and(|value| !value.is_string() && !value.is_null())
                });
                prop_assert!(ignored, "we alone believe {token}: {theirs}");
            }
            (Err(ours), Ok(_)) => {
                count(&stricter);
                let listed = is_on_the_list(ours, &changes, &read(&token, 0), &read(&token, 1));
                prop_assert!(listed, "they alone believe {token}: {ours}");
            }
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    // Each kind of outcome was really there.
    let counted = [&both, &neither, &stricter].map(Cell::get);
    assert!(counted.iter().all(|count| *count > 100), "{counted:?}");
}
