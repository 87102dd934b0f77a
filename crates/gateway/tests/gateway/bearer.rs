//! Clients that keep their own tokens, on routes that accept them (R51–R59, R63).

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::provider::{Signature, UnsignedToken};
use cloakroom_testkit::{
    Browser, Client, Gateway, GatewayConfig, LoginService, Provider, Upstream, login_service,
};
use serde_json::json;

use crate::forged::{Change, FORGED, without};
use crate::world::{
    COOKIE, PASSWORD, USERS, World, assert_login_required, assert_outage, assert_problem, bearer,
    binary, retry, with_users,
};

const AUDIENCE: &str = "https://api.example.com";
/// Fetches of the keys at start: for logins, and for access tokens.
const AT_START: usize = 2;
const ANNA: &str = USERS[0];
const SHARED_SECRET: &str = "rT8bq0Zx3vLw9kNf2YdGm5Hs7PcJ4aUe";

/// A route for sessions and bearers, one for sessions alone, one for nobody's token.
fn routes(config: GatewayConfig) -> GatewayConfig {
    config
        .set("route", "accept_bearer = true")
        .route("/api/status", "")
        .route("/api/slow", "session = 'none'\naccept_bearer = true\ntoken_scheme = 'Token'")
        .route("/api/upload", "session = 'none'")
        .route("/api/set-cookie", "session = 'optional'\ntoken_header = 'X-Access-Token'")
}

fn accepting(config: GatewayConfig) -> GatewayConfig {
    routes(config).set("provider", &format!("access_token = {{ audience = '{AUDIENCE}' }}"))
}

async fn world() -> World {
    World::configured(accepting).await
}

/// As a mobile app sends it: no cookie, no Origin, no Fetch Metadata.
async fn call(world: &World, method: &str, path: &str, authorization: &str) -> Response {
    let request = Browser::new().request(method, &world.at(path));
    let request = ["origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"]
        .iter()
        .fold(request, |request, name| request.without(name));
    request.header("authorization", authorization).send().await
}

async fn echo_with(world: &World, token: &str) -> Response {
    call(world, "GET", "/api/echo", &format!("Bearer {token}")).await
}

fn token(world: &World, change: impl FnOnce(&mut UnsignedToken)) -> String {
    world.provider.mint().access_token(ANNA, change)
}

#[track_caller]
fn assert_invalid(answer: &Response, what: &str) {
    assert_problem(answer, 401, "invalid-token");
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge, Some("Bearer error=\"invalid_token\""), "{what}");
    assert_eq!(answer.header("cloakroom-session"), None, "no session to refresh: {what}");
}

#[tokio::test]
async fn r63_a_verified_token_goes_on_and_the_guard_is_not_asked() {
    let world = world().await;
    let token = token(&world, |_| ());
    for scheme in ["Bearer", "bearer"] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = call(&world, method, "/api/echo", &format!("{scheme} {token}")).await;
            assert_eq!(bearer(&answer), format!("Bearer {token}"), "{method}");
        }
    }
    // Neither from a page of another site: it would have to know the token.
    let request = Browser::new().request("POST", &world.at("/api/echo"));
    let request = request
        .from_page("https://evil.example/")
        .header("authorization", &format!("Bearer {token}"));
    assert_eq!(bearer(&request.send().await), format!("Bearer {token}"));
    assert_eq!(world.provider.jwks_fetches(), AT_START, "the keys are kept");
    assert!(!world.gateway.log().contains(&token), "no token in the log (R72)");
}

#[tokio::test]
async fn a_session_goes_on_as_ever_on_the_same_route() {
    let world = world().await;
    let browser = world.logged_in().await;
    assert!(bearer(&world.echo(&browser).await).starts_with("Bearer ey"));
    let cross_site = browser.cross_site_post(&world.at("/api/echo")).await;
    assert_problem(&cross_site, 403, "cross-site");
    let nobody = Browser::new().fetch("GET", &world.at("/api/echo")).await;
    assert_login_required(&nobody);
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer"), "what else it takes");
}

/// Beside [`FORGED`], each one change to a token that would be good.
const BAD: &[(&str, Change)] = &[
    ("at_hash of an ID Token", |t| t.claims["at_hash"] = json!("AAAA")),
    ("another audience", |t| t.claims["aud"] = json!("https://other.example.com")),
    ("expired", |t| t.claims["exp"] = json!(t.claims["iat"].as_u64().expect("a number") - 60)),
    ("no expiry", |t| without(t, "exp")),
    ("expiry as a text", |t| t.claims["exp"] = json!("9999999999")),
    ("not valid yet", |t| {
        t.claims["nbf"] = json!(t.claims["exp"].as_u64().expect("a number") + 600);
    }),
];

#[tokio::test]
async fn r51_to_r59_no_forged_token_reaches_the_upstream() {
    let world = world().await;
    for (what, change) in FORGED.iter().chain(BAD) {
        let forged = token(&world, change);
        assert_invalid(&echo_with(&world, &forged).await, what);
    }
    assert_eq!(world.upstream.requests().len(), 0);
    let fetches = world.provider.jwks_fetches();
    assert_eq!(fetches, AT_START + 1, "one fetch for all unknown keys (R53)");
}

#[tokio::test]
async fn r58_tokens_of_other_kinds_and_garbage_are_no_access_tokens() {
    let world = world().await;
    let tokens = world.provider.issue_tokens(ANNA);
    let good = token(&world, |_| ());
    let long = "A".repeat(20_000);
    for (what, garbage) in [
        ("an ID Token", tokens.id_token.as_str()),
        ("a refresh token", tokens.refresh_token.as_deref().expect("one")),
        ("nothing", ""),
        ("dots", ".."),
        ("two tokens", &format!("{good}, Bearer {good}")),
        ("a quoted token", &format!("\"{good}\"")),
        ("something behind it", &format!("{good} x")),
        ("padding", &format!("{good}=")),
        ("another part", &format!("{good}.AAAA")),
        ("not UTF-8", "\u{fffd}"),
        ("20 kB", &long),
    ] {
        assert_invalid(&echo_with(&world, garbage).await, what);
    }
    assert_eq!(world.upstream.requests().len(), 0);
}

#[tokio::test]
async fn r63_two_authorizations_are_no_well_formed_request() {
    let world = world().await;
    let good = token(&world, |_| ());
    for pair in
        [["Bearer good", "Bearer good"], ["Basic YTpi", "Bearer good"], ["Bearer good", "x"]]
    {
        let lines =
            pair.map(|value| format!("Authorization: {}\r\n", value.replace("good", &good)));
        let request = format!(
            "GET /api/echo HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}\r\n",
            world.host(),
            lines.concat()
        );
        let answer = world.send_raw(request).await;
        assert_eq!(answer.status(), Some(400), "{}", answer.text());
        assert!(answer.text().contains("bad-request"));
    }
    assert_eq!(world.upstream.requests().len(), 0);
}

/// Named in `Connection`, it is gone before anybody looks (R64).
#[tokio::test]
async fn r64_a_token_that_connection_names_does_not_count() {
    let world = world().await;
    let request = format!(
        "GET /api/echo HTTP/1.1\r\nHost: {}\r\nConnection: close, authorization\r\nOrigin: {}\r\n\
         Authorization: Bearer {}\r\n\r\n",
        world.host(),
        world.gateway.url(),
        token(&world, |_| ())
    );
    let answer = world.send_raw(request).await;
    assert_eq!(answer.status(), Some(401), "{}", answer.text());
    assert!(answer.text().contains("login-required"));
}

#[tokio::test]
async fn a_session_cookie_beside_a_bearer_is_refused() {
    let world = world().await;
    let browser = world.logged_in().await;
    let good = token(&world, |_| ());
    let both = |browser: &Browser, authorization: String| {
        let request = browser.request("GET", &world.at("/api/echo"));
        request.header("authorization", &authorization)
    };
    for authorization in [format!("Bearer {good}"), "Bearer x.y.z".to_owned(), "Bearer".to_owned()]
    {
        let answer = both(&browser, authorization).send().await;
        assert_problem(&answer, 400, "two-credentials");
    }
    // A dead cookie and one that came twice (R27) are cookies too.
    for cookies in [format!("{COOKIE}=x"), format!("a=b; {COOKIE}=x; {COOKIE}=x")] {
        let request = both(&Browser::new(), format!("Bearer {good}")).header("cookie", &cookies);
        assert_problem(&request.send().await, 400, "two-credentials");
    }
    assert_eq!(world.upstream.requests().len(), 0);
    // Other cookies are none of ours, and other schemes no bearer: dropped, as ever.
    let request = both(&Browser::new(), format!("Bearer {good}")).header("cookie", "theme=dark");
    assert_eq!(request.send().await.status, 200);
    let answer = both(&browser, "Basic YTpi".to_owned()).send().await;
    assert!(bearer(&answer).starts_with("Bearer ey"), "the session's");
}

#[tokio::test]
async fn r63_elsewhere_a_client_s_token_is_dropped() {
    let world = world().await;
    let authorization = format!("Bearer {}", token(&world, |_| ()));
    let refused = call(&world, "GET", "/api/status/200", &authorization).await;
    assert_login_required(&refused);
    assert_eq!(refused.header("www-authenticate"), None);
    let open = call(&world, "POST", "/api/upload", &authorization).await;
    assert_eq!(open.status, 200);
    let other_header = call(&world, "GET", "/api/set-cookie", &authorization).await;
    assert_eq!(other_header.status, 200);
    for request in world.upstream.requests() {
        assert_eq!(request.header("authorization"), None, "{}", request.target);
    }
    // A control endpoint takes sessions only.
    let session = call(&world, "GET", "/auth/session", &authorization).await;
    assert_eq!(session.json()["loggedIn"], false);
}

#[tokio::test]
async fn where_no_session_is_taken_a_bearer_is_verified_all_the_same() {
    let world = world().await;
    assert_eq!(call(&world, "GET", "/api/slow?ms=0", "").await.status, 200, "open without one");
    let bad = token(&world, |t| t.claims["aud"] = json!("x"));
    let answer = call(&world, "GET", "/api/slow?ms=0", &format!("Bearer {bad}")).await;
    assert_invalid(&answer, "another audience");
    let good = token(&world, |_| ());
    let answer = call(&world, "GET", "/api/slow?ms=0", &format!("Bearer {good}")).await;
    assert_eq!(answer.status, 200);
    let requests = world.upstream.requests();
    let sent: Vec<_> = requests.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(sent, [None, Some(&*format!("Token {good}"))], "by the scheme that the route says");
}

#[tokio::test]
async fn r53_without_keys_nobody_can_say_and_nobody_is_refused_for_good() {
    let provider = with_users(Provider::builder()).start().await;
    let upstream = Upstream::start(&provider).await;
    let config = accepting(GatewayConfig::new(&provider, &upstream.url()));
    provider.stop_answering();
    let gateway = Gateway::spawn(binary(), config).await;
    let world = World { provider, upstream, gateway };
    let good = token(&world, |_| ());
    for _ in 0..3 {
        assert_outage(&echo_with(&world, &good).await);
    }
    world.provider.resume();
    let ask = || echo_with(&world, &good);
    retry("the keys are fetched again", ask, |answer| answer.status == 200).await;
    // Once there are keys, an outage of the provider is nothing to a client.
    world.provider.stop_answering();
    assert_eq!(echo_with(&world, &good).await.status, 200);
    // Only of a key that nobody knows can nobody say whose it is.
    world.provider.rotate_keys();
    let newer = token(&world, |_| ());
    assert_outage(&echo_with(&world, &newer).await);
    assert_outage(&echo_with(&world, &newer).await);
    assert_eq!(echo_with(&world, &good).await.status, 200);
}

#[tokio::test]
async fn r53_a_new_key_is_fetched_once_and_made_up_ones_ask_nobody() {
    let world = world().await;
    let old = token(&world, |_| ());
    assert_eq!(echo_with(&world, &old).await.status, 200);
    world.provider.rotate_keys();
    let new = token(&world, |_| ());
    assert_eq!(echo_with(&world, &new).await.status, 200, "the new key was fetched");
    assert_eq!(echo_with(&world, &old).await.status, 200, "the old one is still published");
    assert_eq!(world.provider.jwks_fetches(), AT_START + 1);
    for number in 0..20 {
        let made_up = token(&world, |t| t.header["kid"] = json!(format!("kid-{number}")));
        assert_invalid(&echo_with(&world, &made_up).await, "a made-up key");
    }
    assert_eq!(world.provider.jwks_fetches(), AT_START + 1, "one fetch a minute for unknown keys");
}

#[tokio::test]
async fn r51_a_public_key_file_verifies_without_asking_anybody() {
    let provider = with_users(Provider::builder()).start().await;
    let upstream = Upstream::start(&provider).await;
    let config = routes(GatewayConfig::new(&provider, &upstream.url()))
        .file("jwt.pem", &provider.mint().public_key_pem())
        .set(
            "provider",
            &format!(
                "access_token = {{ audience = '{AUDIENCE}', public_key = {{ file = 'jwt.pem' }} }}"
            ),
        );
    let gateway = Gateway::spawn(binary(), config).await;
    let world = World { provider, upstream, gateway };
    let good = token(&world, |_| ());
    assert_eq!(bearer(&echo_with(&world, &good).await), format!("Bearer {good}"));
    let foreign = token(&world, |t| t.signature = Signature::ForeignKey);
    assert_invalid(&echo_with(&world, &foreign).await, "another key");
    let hmac = token(&world, |t| {
        t.header["alg"] = json!("HS256");
        t.signature = Signature::HmacWithPublicKey;
    });
    assert_invalid(&echo_with(&world, &hmac).await, "HMAC with the public key");
    assert_eq!(world.provider.jwks_fetches(), 1, "the login's, at start: the file is all there is");
}

#[tokio::test]
async fn r51_a_shared_secret_verifies_hs256_and_nothing_else() {
    let secret = "access_token = { issuer = 'shop-login', allow_missing_audience = true, \
                  shared_secret = { env = 'JWT_SECRET' } }";
    let world = World::configured(|config| {
        routes(config).set("provider", secret).env("JWT_SECRET", SHARED_SECRET)
    })
    .await;
    let home_grown = |change: Change| {
        token(&world, |t| {
            t.header = json!({ "typ": "JWT", "alg": "HS256" });
            t.claims["iss"] = json!("shop-login");
            without(t, "aud");
            t.signature = Signature::SharedSecret(SHARED_SECRET);
            change(t);
        })
    };
    let good = home_grown(|_| ());
    assert_eq!(bearer(&echo_with(&world, &good).await), format!("Bearer {good}"));
    for (what, change) in [
        ("another secret", (|t| t.signature = Signature::SharedSecret("another secret")) as Change),
        ("a named audience", |t| t.claims["aud"] = json!("elsewhere")),
        ("another issuer", |t| t.claims["iss"] = json!("x")),
        ("HS512 in the header", |t| t.header["alg"] = json!("HS512")),
        ("none", |t| {
            t.header["alg"] = json!("none");
            t.signature = Signature::Empty;
        }),
        ("the provider's own key", |t| {
            t.header["alg"] = json!("ES256");
            t.signature = Signature::Valid;
        }),
    ] {
        assert_invalid(&echo_with(&world, &home_grown(change)).await, what);
    }
    assert!(
        world.gateway.log().contains("allow_missing_audience"),
        "a weaker choice is named at start"
    );
    assert!(!world.gateway.log().contains(SHARED_SECRET));
}

#[tokio::test]
async fn r7_the_issuer_that_a_token_names_decides_who_verifies_it() {
    let other = with_users(Provider::builder()).start().await;
    other.add_client(Client::confidential("other", "hush"));
    let section = |audience: &str| format!("access_token = {{ audience = '{audience}' }}");
    let world = World::configured(|config| {
        let second = format!(
            "name = 'other'\nissuer = '{}'\nclient_id = 'other'\n{}",
            other.issuer(),
            section("elsewhere")
        );
        routes(config).set("provider", &section(AUDIENCE)).provider(&second)
    })
    .await;
    let first = token(&world, |_| ());
    assert_eq!(bearer(&echo_with(&world, &first).await), format!("Bearer {first}"));
    let second = other.mint().access_token(ANNA, |t| t.claims["aud"] = json!("elsewhere"));
    assert_eq!(bearer(&echo_with(&world, &second).await), format!("Bearer {second}"));
    // Each by its own rules and keys.
    let for_the_first = other.mint().access_token(ANNA, |_| ());
    assert_invalid(&echo_with(&world, &for_the_first).await, "the other's audience");
    let issuer = world.provider.issuer().to_owned();
    let borrowed = other.mint().access_token(ANNA, |t| t.claims["iss"] = json!(issuer));
    assert_invalid(&echo_with(&world, &borrowed).await, "the first's name, the other's key");
}

#[tokio::test]
async fn another_provider_s_outage_is_nothing_to_a_token() {
    let other = with_users(Provider::builder()).start().await;
    other.stop_answering();
    let section = format!("access_token = {{ audience = '{AUDIENCE}' }}");
    let world = World::configured(|config| {
        let issuer = other.issuer();
        let second = format!("name = 'other'\nissuer = '{issuer}'\nclient_id = 'other'\n{section}");
        routes(config).set("provider", &section).provider(&second)
    })
    .await;
    let good = token(&world, |_| ());
    assert_eq!(bearer(&echo_with(&world, &good).await), format!("Bearer {good}"));
    let bad = token(&world, |t| t.claims["aud"] = json!("x"));
    assert_invalid(&echo_with(&world, &bad).await, "another audience");
    assert_outage(&echo_with(&world, &other.mint().access_token(ANNA, |_| ())).await);
}

#[tokio::test]
async fn a_login_service_s_placeholder_is_no_bearer_and_its_token_is_one() {
    let service = LoginService::start().await;
    let config = GatewayConfig::for_service(&service)
        .set("route", "accept_bearer = true")
        .set("provider", "placeholder = 'kept-by-cloakroom'")
        .set(
            "provider",
            "access_token = { shared_secret = { env = 'JWT_SECRET' }, allow_missing_issuer = true, \
             allow_missing_audience = true }",
        )
        .env("JWT_SECRET", login_service::SECRET);
    let gateway = Gateway::spawn(binary(), config).await;
    let whoami = |browser: &Browser, token: &str| {
        let request = browser.request("GET", &gateway.at("/api/whoami"));
        request.header("authorization", &format!("Bearer {token}"))
    };
    let browser = Browser::new();
    let fields = json!({ "username": ANNA, "password": PASSWORD });
    let login = browser.request("POST", &gateway.at("/api/login")).json(&fields).send().await;
    assert_eq!(login.json()["token"], "kept-by-cloakroom");
    // A front end that keeps what it was given: the session counts.
    let answer = whoami(&browser, "kept-by-cloakroom").send().await;
    assert_eq!(answer.json()["sub"], ANNA, "{answer:?}");
    assert_login_required(&whoami(&Browser::new(), "kept-by-cloakroom").send().await);

    // An app that logs in at the service itself has the token.
    let issued = service.issued_secrets();
    let own = issued.iter().find(|secret| secret.starts_with("ey")).expect("an access token");
    assert_eq!(whoami(&Browser::new(), own).send().await.json()["sub"], ANNA);
    assert_problem(&whoami(&browser, own).send().await, 400, "two-credentials");
    assert_invalid(&whoami(&Browser::new(), &format!("{own}A")).send().await, "a broken one");
}

#[tokio::test]
async fn in_mode_jwt_the_token_s_cookie_is_the_session_s() {
    let world = World::configured(|config| accepting(config).set("session", "mode = 'jwt'")).await;
    let browser = Browser::new();
    world.log_in(&browser).await;
    world.upstream.forget();
    let own = bearer(&world.echo(&browser).await);
    let request = browser.request("GET", &world.at("/api/echo")).header("authorization", &own);
    assert_problem(&request.send().await, 400, "two-credentials");
    let app = call(&world, "GET", "/api/echo", &own).await;
    assert_eq!(bearer(&app), own, "the same token as an app's own");
}
