//! `Claims<T>`: an API that checks the cookie or the bearer itself (R26, R27, R36, R51–R59).

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, routing::get};
use cloakroom::{
    AccessTokenSettings, Claims, CookieGuard, KeySource, Named, TokenReader, Verifier,
    cloakroom_core::{
        jwt::{Algorithm, KeySet},
        origin::PublicOrigin,
    },
    cloakroom_oauth::JwksUrl,
};
use cloakroom_testkit::{
    Browser, Fault, Provider,
    browser::Response,
    provider::{Signature, UnsignedToken},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::service::TestClock;

const AUDIENCE: &str = "https://api.example.com";
const COOKIE: &str = "__Host-access_token";
const SHARED_SECRET: &str = "rT8bq0Zx3vLw9kNf2YdGm5Hs7PcJ4aUe";

#[derive(Deserialize)]
struct User {
    sub: String,
    scope: String,
}

/// Needs what no token has.
#[derive(Deserialize)]
struct Admin {
    #[serde(rename = "sub")]
    _sub: String,
    #[serde(rename = "admin")]
    _admin: bool,
}

async fn who(Claims(user): Claims<User>) -> Json<Value> {
    Json(json!({ "sub": user.sub, "scope": user.scope }))
}

async fn maybe(claims: Option<Claims<User>>) -> Json<Value> {
    Json(json!({ "sub": claims.map(|Claims(user)| user.sub) }))
}

async fn admin(_: Claims<Admin>) {}

/// An axum API on loopback, without layer or gateway.
struct Api {
    url: String,
    provider: Provider,
    clock: Arc<TestClock>,
    task: JoinHandle<()>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Api {
    async fn start() -> Self {
        Self::with(|settings, _| settings).await
    }

    async fn with(
        change: impl FnOnce(AccessTokenSettings, &Provider) -> AccessTokenSettings,
    ) -> Self {
        Self::guarded(change, CookieGuard::Here).await
    }

    async fn guarded(
        change: impl FnOnce(AccessTokenSettings, &Provider) -> AccessTokenSettings,
        guard: impl FnOnce(PublicOrigin) -> CookieGuard,
    ) -> Self {
        let provider = Provider::builder().user("anna", "pw").start().await;
        provider.add_client(cloakroom_testkit::Client::confidential("shop", "secret"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let clock = Arc::new(TestClock::at_present());
        let settings = AccessTokenSettings {
            issuer: Named::Is(provider.issuer().to_owned()),
            audience: Named::Is(AUDIENCE.to_owned()),
            algorithms: Algorithm::ASYMMETRIC.to_vec(),
            keys: KeySource::Jwks(JwksUrl::parse(&format!("{}/jwks", provider.issuer())).unwrap()),
        };
        let settings = change(settings, &provider);
        let verifier = Arc::new(Verifier::new(settings, clock.clone()).unwrap());
        let origin = PublicOrigin::new(&url.parse().unwrap()).unwrap();
        let tokens =
            TokenReader::new(verifier, clock.clone()).with_cookie(COOKIE, guard(origin)).unwrap();
        let api = Router::new()
            .route("/who", get(who).post(who))
            .route("/maybe", get(maybe))
            .route("/admin", get(admin))
            .with_state(tokens);
        let task = tokio::spawn(async move { axum::serve(listener, api).await.unwrap() });
        Self { url, provider, clock, task }
    }

    fn token(&self, change: impl FnOnce(&mut UnsignedToken)) -> String {
        self.provider.mint().access_token("anna", change)
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = Browser::new().request("GET", &format!("{}{path}", self.url));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value))
            .send()
            .await
    }

    async fn by_bearer(&self, token: &str) -> Response {
        self.ask("/who", &[("authorization", &format!("Bearer {token}"))]).await
    }

    async fn by_cookie(&self, token: &str) -> Response {
        self.ask("/who", &[("cookie", &format!("theme=dark; {COOKIE}={token}"))]).await
    }
}

#[track_caller]
fn assert_refused(answer: &Response, status: u16, reason: &str, challenge: Option<&str>) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.problem().as_deref(), Some(reason), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), challenge, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("cloakroom-session"), None);
}

#[track_caller]
fn assert_invalid(answer: &Response) {
    assert_refused(answer, 401, "invalid-token", Some("Bearer error=\"invalid_token\""));
}

#[tokio::test]
async fn the_claims_come_from_the_bearer_or_the_cookie() {
    let api = Api::start().await;
    let good = api.token(|_| ());
    for answer in [api.by_bearer(&good).await, api.by_cookie(&good).await] {
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        assert_eq!(answer.json()["sub"], "anna");
    }
    assert_eq!(api.provider.jwks_fetches(), 1);
    assert_eq!(api.ask("/maybe", &[]).await.json()["sub"], Value::Null);
    let by_cookie = api.ask("/maybe", &[("cookie", &format!("{COOKIE}={good}"))]).await;
    assert_eq!(by_cookie.json()["sub"], "anna");
}

#[tokio::test]
async fn without_a_token_it_says_which_kind_is_needed() {
    let api = Api::start().await;
    let good = api.token(|_| ());
    for headers in [
        &[][..],
        &[("authorization", "Basic YTpi")],
        &[("cookie", "theme=dark")],
        // Other names, however alike (R26).
        &[("cookie", &format!("access_token={good}; __host-access_token={good}"))],
    ] {
        assert_refused(&api.ask("/who", headers).await, 401, "token-required", Some("Bearer"));
    }
}

#[tokio::test]
async fn r27_a_cookie_that_comes_twice_counts_as_none() {
    let api = Api::start().await;
    let good = api.token(|_| ());
    let twice = format!("{COOKIE}={good}; {COOKIE}={good}");
    let answer = api.ask("/who", &[("cookie", &twice)]).await;
    assert_refused(&answer, 401, "token-required", Some("Bearer"));
    let other = api.token(|_| ());
    let tossed = format!("{COOKIE}={other}; {COOKIE}={good}");
    let answer = api.ask("/who", &[("cookie", &tossed)]).await;
    assert_refused(&answer, 401, "token-required", Some("Bearer"));
}

#[tokio::test]
async fn a_cookie_and_a_bearer_must_be_the_same_token() {
    let api = Api::start().await;
    let (good, other) = (api.token(|_| ()), api.token(|_| ()));
    let both = |cookie: &str, bearer: &str| {
        [("cookie", format!("{COOKIE}={cookie}")), ("authorization", format!("Bearer {bearer}"))]
    };
    let ask = async |headers: [(&str, String); 2]| {
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        api.ask("/who", &headers).await
    };
    assert_eq!(ask(both(&good, &good)).await.status.as_u16(), 200);
    for (cookie, bearer) in [(&*good, &*other), (&good, "x"), ("x", &good), ("", &good)] {
        let answer = ask(both(cookie, bearer)).await;
        let challenge = Some("Bearer error=\"invalid_request\"");
        assert_refused(&answer, 400, "two-credentials", challenge);
    }
}

#[tokio::test]
async fn r36_another_site_s_request_does_not_count_by_the_cookie() {
    let api = Api::start().await;
    let good = api.token(|_| ());
    let url = format!("{}/who", api.url);
    let request = |header: (&str, &str)| {
        let request = Browser::new().request("POST", &url).from_page("https://evil.example/");
        request.header(header.0, header.1)
    };
    let cookie = format!("{COOKIE}={good}");
    let forged = request(("cookie", &cookie)).send().await;
    assert_refused(&forged, 403, "cross-site", None);
    let without = request(("cookie", &cookie)).without("sec-fetch-site").without("origin");
    assert_refused(&without.send().await, 403, "origin-missing", None);
    // A bearer is nobody's to forge.
    let bearer = format!("Bearer {good}");
    assert_eq!(request(("authorization", &bearer)).send().await.status.as_u16(), 200);
    let own = Browser::new().request("POST", &url).header("cookie", &cookie);
    assert_eq!(own.send().await.status.as_u16(), 200);
}

#[tokio::test]
async fn where_a_cloakroom_is_in_front_its_guard_has_decided() {
    let api = Api::guarded(|settings, _| settings, |_| CookieGuard::InFront).await;
    let cookie = format!("{COOKIE}={}", api.token(|_| ()));
    let request = Browser::new().request("POST", &format!("{}/who", api.url));
    let request = request.from_page("https://evil.example/").header("cookie", &cookie);
    assert_eq!(request.send().await.status.as_u16(), 200);
}

#[tokio::test]
async fn r51_to_r59_no_forged_token_is_believed_from_either_place() {
    type Change = fn(&mut UnsignedToken);
    const BAD: &[Change] = &[
        |t| t.signature = Signature::Empty,
        |t| t.signature = Signature::ForeignKey,
        |t| {
            t.header["alg"] = json!("none");
            t.signature = Signature::Empty;
        },
        |t| {
            t.header["alg"] = json!("HS256");
            t.signature = Signature::HmacWithPublicKey;
        },
        |t| t.header["alg"] = json!("RS256"),
        |t| t.header["typ"] = json!("logout+jwt"),
        |t| t.header["crit"] = json!(["exp"]),
        |t| t.claims["at_hash"] = json!("AAAA"),
        |t| t.claims["iss"] = json!("https://evil.example"),
        |t| t.claims["aud"] = json!("https://other.example.com"),
        |t| t.claims["aud"] = json!([]),
        |t| t.claims["exp"] = json!(1),
        |t| t.claims["exp"] = json!("9999999999"),
        |t| t.claims["nbf"] = json!(9_999_999_999_u64),
    ];
    let api = Api::start().await;
    for (index, change) in BAD.iter().enumerate() {
        let forged = api.token(change);
        for answer in [api.by_bearer(&forged).await, api.by_cookie(&forged).await] {
            assert_eq!(answer.status.as_u16(), 401, "change {index}: {answer:?}");
            assert_invalid(&answer);
        }
    }
    let tokens = api.provider.issue_tokens("anna");
    for other in [tokens.id_token, tokens.refresh_token.unwrap(), "a.b.c".to_owned(), String::new()]
    {
        assert_invalid(&api.by_bearer(&other).await);
        assert_invalid(&api.by_cookie(&other).await);
    }
    let quoted = format!("\"{}\"", api.token(|_| ()));
    assert_invalid(&api.by_cookie(&quoted).await);
    assert!(api.provider.jwks_fetches() <= 2, "unknown keys and wrong signatures ask once (R53)");
}

#[tokio::test]
async fn r57_a_token_that_was_believed_is_not_believed_past_its_end() {
    let api = Api::start().await;
    let good = api.token(|_| ());
    assert_eq!(api.by_bearer(&good).await.status.as_u16(), 200);
    api.clock.pass(Duration::from_secs(299));
    assert_eq!(api.by_bearer(&good).await.status.as_u16(), 200);
    // The leeway is 30 s.
    api.clock.pass(Duration::from_secs(31));
    assert_invalid(&api.by_bearer(&good).await);
    assert_invalid(&api.by_cookie(&good).await);
}

#[tokio::test]
async fn r53_keys_rotate_and_made_up_ones_ask_once_a_minute() {
    let api = Api::start().await;
    let old = api.token(|_| ());
    assert_eq!(api.by_bearer(&old).await.status.as_u16(), 200);
    api.provider.rotate_keys();
    let new = api.token(|_| ());
    for token in [&new, &old, &new] {
        assert_eq!(api.by_bearer(token).await.status.as_u16(), 200);
    }
    assert_eq!(api.provider.jwks_fetches(), 2);
    for number in 0..10 {
        let made_up = api.token(|t| t.header["kid"] = json!(format!("k{number}")));
        assert_invalid(&api.by_bearer(&made_up).await);
    }
    assert_eq!(api.provider.jwks_fetches(), 2);
    api.clock.pass(Duration::from_secs(61));
    let made_up = api.token(|t| t.header["kid"] = json!("k"));
    assert_invalid(&api.by_bearer(&made_up).await);
    assert_eq!(api.provider.jwks_fetches(), 3, "a minute later it may be a new key");
}

#[tokio::test]
async fn r53_where_keys_cannot_be_had_nobody_can_say() {
    let api = Api::start().await;
    let good = api.token(|_| ());
    for fault in [Fault::Status(500), Fault::Garbage, Fault::CutBeforeRotation] {
        api.provider.on_jwks(fault);
        let answer = api.by_bearer(&good).await;
        assert_refused(&answer, 503, "provider-unavailable", None);
        assert!(answer.header("retry-after").is_some());
        assert_eq!(api.by_cookie(&good).await.status.as_u16(), 503, "not asked again at once");
        api.clock.pass(Duration::from_secs(3));
    }
    assert_eq!(api.by_bearer(&good).await.status.as_u16(), 200);
    // The last good keys serve on, and only of an unknown one can nobody say.
    api.clock.pass(Duration::from_secs(61));
    api.provider.on_jwks(Fault::Status(500).always());
    api.provider.rotate_keys();
    let new = api.token(|_| ());
    for _ in 0..3 {
        assert_eq!(api.by_bearer(&new).await.status.as_u16(), 503);
    }
    assert_eq!(api.by_bearer(&good).await.status.as_u16(), 200);
    api.provider.heal();
    api.clock.pass(Duration::from_secs(61));
    assert_eq!(api.by_bearer(&new).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_good_token_that_lacks_what_the_handler_needs_is_a_403() {
    let api = Api::start().await;
    let good = format!("Bearer {}", api.token(|_| ()));
    let answer = api.ask("/admin", &[("authorization", &good)]).await;
    assert_refused(&answer, 403, "claims-unfit", None);
    let admin = format!("Bearer {}", api.token(|t| t.claims["admin"] = json!(true)));
    assert_eq!(api.ask("/admin", &[("authorization", &admin)]).await.status.as_u16(), 200);
}

#[tokio::test]
async fn r51_a_pem_key_or_a_shared_secret_asks_nobody() {
    let api = Api::with(|settings, provider| AccessTokenSettings {
        keys: KeySource::Fixed(
            KeySet::from_pem(provider.mint().public_key_pem().as_bytes(), None).unwrap(),
        ),
        ..settings
    })
    .await;
    let good = api.token(|_| ());
    assert_eq!(api.by_cookie(&good).await.status.as_u16(), 200);
    let hmac = api.token(|t| {
        t.header["alg"] = json!("HS256");
        t.signature = Signature::HmacWithPublicKey;
    });
    assert_invalid(&api.by_cookie(&hmac).await);
    assert_eq!(api.provider.jwks_fetches(), 0);

    let api = Api::with(|_, _| AccessTokenSettings {
        issuer: Named::Absent,
        audience: Named::Absent,
        algorithms: vec![Algorithm::Hs256],
        keys: KeySource::Fixed(
            KeySet::from_shared_secret(SHARED_SECRET.as_bytes(), Algorithm::Hs256).unwrap(),
        ),
    })
    .await;
    let home_grown = |secret| {
        api.token(|t| {
            t.header = json!({ "typ": "JWT", "alg": "HS256" });
            t.claims.as_object_mut().unwrap().retain(|name, _| name != "iss" && name != "aud");
            t.signature = Signature::SharedSecret(secret);
        })
    };
    assert_eq!(api.by_cookie(&home_grown(SHARED_SECRET)).await.status.as_u16(), 200);
    assert_invalid(&api.by_cookie(&home_grown("another")).await);
    assert_invalid(&api.by_cookie(&api.token(|_| ())).await);
}
