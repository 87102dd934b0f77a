//! ID Tokens that must not log anybody in, and keys that change (R5, R9, R51–R59).

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::provider::Signature;
use cloakroom_testkit::{Browser, Fault};
use serde_json::{Value, json};

use crate::forged::{Change, FORGED, without};
use crate::world::{World, assert_login_required, cookie};

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()
}

/// Beside [`FORGED`], each one change to a token that would be good.
const BAD: &[(&str, Change)] = &[
    // The algorithm.
    ("alg empty", |t| t.header["alg"] = json!("")),
    ("alg absent", |t| {
        t.header.as_object_mut().expect("an object").remove("alg");
    }),
    ("alg not offered", |t| t.header["alg"] = json!("ES384")),
    // The rest of the header.
    ("kid as a number", |t| t.header["kid"] = json!(1)),
    ("b64 false", |t| {
        t.header["b64"] = json!(false);
        t.header["crit"] = json!(["b64"]);
    }),
    // Another kind of token.
    ("typ of an access token", |t| t.header["typ"] = json!("at+jwt")),
    // The claims.
    ("another audience", |t| t.claims["aud"] = json!("other-client")),
    ("two audiences without azp", |t| t.claims["aud"] = json!(["shop-web", "other-client"])),
    ("another authorized party", |t| t.claims["azp"] = json!("other-client")),
    ("no subject", |t| without(t, "sub")),
    ("subject as a number", |t| t.claims["sub"] = json!(7)),
    ("another nonce", |t| t.claims["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ("no nonce", |t| without(t, "nonce")),
    ("empty nonce", |t| t.claims["nonce"] = json!("")),
    ("another access token", |t| t.claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ("expired", |t| t.claims["exp"] = json!(now() - 600)),
    ("no exp", |t| without(t, "exp")),
    ("exp as text", |t| t.claims["exp"] = json!("9999999999")),
    ("exp negative", |t| t.claims["exp"] = json!(-1)),
    ("not valid yet", |t| t.claims["nbf"] = json!(now() + 3600)),
];

#[track_caller]
fn assert_refused(what: &str, answer: &Response, browser: &Browser) {
    assert_eq!(answer.status, 400, "{what}: {answer:?}");
    assert!(answer.text().contains("login-failed"), "{what}: {answer:?}");
    assert_eq!(cookie(browser), None, "{what}");
}

/// R9, R51–R59: no session by any of them; the attack table's JWT rows that reach a login.
#[tokio::test]
async fn a_tampered_id_token_logs_nobody_in() {
    let world = World::start().await;
    for (what, change) in FORGED.iter().chain(BAD) {
        world.provider.tamper_id_token(*change);
        let browser = Browser::new();
        assert_refused(what, &world.log_in(&browser).await, &browser);
        assert_login_required(&world.echo(&browser).await);
    }
    world.provider.heal();
    let browser = world.logged_in().await;
    assert_eq!(world.echo(&browser).await.status, 200, "an untouched one still does");
    assert!(world.provider.jwks_fetches() <= 2, "R53: not one fetch for each");
}

/// What may vary does not keep anybody out.
#[tokio::test]
async fn harmless_variations_log_in() {
    let world = World::start().await;
    let good: [(&str, Change); 7] = [
        ("no typ", |t| {
            t.header.as_object_mut().expect("an object").remove("typ");
        }),
        ("audience as a list", |t| t.claims["aud"] = json!(["shop-web"])),
        ("two audiences with azp", |t| {
            t.claims["aud"] = json!(["shop-web", "other-client"]);
            t.claims["azp"] = json!("shop-web");
        }),
        ("no at_hash", |t| without(t, "at_hash")),
        ("no kid", |t| {
            t.header.as_object_mut().expect("an object").remove("kid");
        }),
        ("a clock a little ahead", |t| t.claims["iat"] = json!(now() + 10)),
        ("auth_time 0, as Glewlwyd says", |t| t.claims["auth_time"] = json!(0)),
    ];
    for (what, change) in good {
        world.provider.tamper_id_token(change);
        let browser = Browser::new();
        let landed = world.log_in(&browser).await;
        assert!(cookie(&browser).is_some(), "{what}: {landed:?}");
    }
}

/// R53: tokens with made-up keys do not make the gateway call the provider each time.
#[tokio::test]
async fn a_flood_of_unknown_keys_fetches_once() {
    let world = World::start().await;
    world.logged_in().await;
    let before = world.provider.jwks_fetches();
    world.provider.tamper_id_token(|token| {
        token.header["kid"] = json!(format!("made-up-{}", token.claims["nonce"]));
        token.signature = Signature::ForeignKey;
    });
    for _ in 0..10 {
        let browser = Browser::new();
        assert_refused("unknown key", &world.log_in(&browser).await, &browser);
    }
    assert!(world.provider.jwks_fetches() <= before + 1, "{}", world.provider.jwks_fetches());
}

/// R53: a provider that changes its keys logs nobody out and keeps nobody out.
#[tokio::test]
async fn new_keys_are_found() {
    let world = World::start().await;
    let early = world.logged_in().await;
    world.provider.rotate_keys();
    let browser = Browser::new();
    let landed = world.log_in(&browser).await;
    assert!(cookie(&browser).is_some(), "{landed:?}");
    assert_eq!(world.provider.jwks_fetches(), 2);
    assert_eq!(world.echo(&early).await.status, 200);
}

/// R53: keys that cannot be fetched are an outage of logins, not a refusal.
#[tokio::test]
async fn keys_that_cannot_be_had_are_an_outage() {
    let world = World::start().await;
    let early = world.logged_in().await;
    world.provider.rotate_keys();
    world.provider.on_jwks(Fault::Status(500).always());
    let browser = Browser::new();
    assert_eq!(world.log_in(&browser).await.status, 503);
    assert!(cookie(&browser).is_none());
    assert_eq!(world.echo(&early).await.status, 200, "who is logged in needs no keys");
}

/// R5, R10: the claims reach the page without those between the provider and us.
#[tokio::test]
async fn the_page_gets_claims_about_the_user_alone() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let answer = browser.fetch("GET", &world.at("/auth/session")).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = answer.json();
    let claims: Vec<_> = session["claims"].as_object().unwrap().keys().collect();
    assert_eq!(claims, ["sub", "auth_time", "name", "preferred_username", "email"]);
    let keys: Vec<_> = session.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["loggedIn", "claims", "sid", "expiresIn", "sessionExpiresIn"]);
    assert_ne!(session["sid"].as_str(), cookie(&browser).as_deref());
    let nobody = Browser::new().fetch("GET", &world.at("/auth/session")).await.json();
    assert_eq!(nobody, Value::from_iter([("loggedIn", false)]));
}
