//! What must never be anywhere but where it belongs: tokens, codes, cookies, the client's secret
//! (R28, R30, R72).

use std::fs;

use cloakroom_testkit::browser::{Browser, Response};
use cloakroom_testkit::{Fault, Gateway, GatewayConfig, eventually};
use tempfile::TempDir;

use crate::world::{COOKIE, World, assert_login_required, binary, cookie, files_below};

/// The gateway's answers, to be searched.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    /// Notes an answer of the gateway but for the headers whose work is to carry a secret.
    fn note(&mut self, what: &str, answer: &Response) {
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| !["set-cookie", "location"].contains(&name.as_str()));
        let headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        self.0.push((what.to_owned(), format!("{}\n{}", headers.join("\n"), answer.text())));
    }
}

/// A whole life with every kind of error: what the log, the folder and the page get to see of it holds
/// no secret, at no level of detail.
#[tokio::test]
async fn secrets_stay_where_they_belong() {
    for level in ["info", "trace"] {
        let world = World::configured(|config| {
            config.set("log", &format!("level = '{level}'")).route("/open", "session = 'none'")
        })
        .await;
        let mut seen = Seen::default();
        let mut cookies = Vec::new();
        live_a_whole_life(&world, &mut seen, &mut cookies).await;

        let mut secrets = world.provider.issued_secrets();
        assert!(secrets.len() > 20);
        secrets.extend(cookies);
        secrets.extend(client_secrets());
        let log = world.gateway.log();
        assert!(log.contains("refresh failed") && log.contains("session ended"), "{log}");
        let files: Vec<_> = files_below(&world.gateway.folder().join("data"))
            .into_iter()
            .map(|path| (path.display().to_string(), fs::read(path).expect("a file")))
            .collect();
        assert!(files.iter().any(|(name, bytes)| name.ends_with("redb") && bytes.len() > 1000));
        for secret in &secrets {
            // Half of it would be too much as well.
            let part = &secret.as_bytes()[..secret.len().min(40)];
            assert!(!contains(log.as_bytes(), part), "{level}: a secret in the log");
            for (name, bytes) in &files {
                assert!(!contains(bytes, part), "a secret in {name}");
            }
            for (what, text) in &seen.0 {
                assert!(!contains(text.as_bytes(), part), "a secret in the answer: {what}");
            }
        }
    }
}

/// The configured secret in each form that it takes on the wire.
fn client_secrets() -> Vec<String> {
    let secret = "hush: 100% a+b/c=d&e";
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    // "shop-web:" and `encoded`, from the fourth byte of Base64 on that no other text shares.
    vec![secret.to_owned(), encoded, "c2hvcC13ZWI6aHVzaC".to_owned()]
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

async fn live_a_whole_life(world: &World, seen: &mut Seen, cookies: &mut Vec<String>) {
    let mut fetch = async |what: &str, browser: &Browser, method: &str, path: &str| {
        let answer = browser.fetch(method, &world.at(path)).await;
        seen.note(what, &answer);
        answer
    };
    let mut remember = |browser: &Browser| {
        let ours = browser.jar().of("localhost");
        cookies
            .extend(ours.into_iter().filter(|it| it.name.starts_with(COOKIE)).map(|it| it.value));
    };
    // A login that is under way, one that fails, one that succeeds.
    let browser = Browser::new();
    browser.navigate(&world.at("/auth/login?return_to=/private")).await;
    remember(&browser);
    world.provider.on_code_exchange(Fault::Status(500));
    let failed = world.log_in(&Browser::new()).await;
    assert_eq!(failed.status, 503);
    world.provider.tamper_id_token(|token| token.claims["nonce"] = "wrong".into());
    let refused = world.log_in(&Browser::new()).await;
    assert_eq!(refused.status, 400);
    world.provider.heal();
    let [first, second] = world.with_dead_tokens().await;
    remember(&first);
    remember(&second);
    // Refreshes of every outcome.
    for fault in [Fault::Status(500), Fault::Garbage] {
        let browser = world.with_dead_token().await;
        world.provider.on_refresh(fault);
        fetch("outage", &browser, "GET", "/api/status/200").await;
        remember(&browser);
    }
    world.provider.on_refresh(Fault::CutAfterRotation);
    fetch("cut", &first, "GET", "/api/status/200").await;
    world.provider.on_refresh(Fault::InvalidGrant);
    fetch("ended", &second, "GET", "/api/status/200").await;
    let third = world.logged_in().await;
    remember(&third);
    // Requests that go well, and that do not.
    for (what, method, path) in [
        ("session", "GET", "/auth/session"),
        ("refresh", "POST", "/auth/refresh"),
        ("claims", "GET", "/api/whoami"),
        ("rejected", "GET", "/api/status/401?invalid_token=1"),
        ("cut", "GET", "/api/cut"),
        ("not there", "GET", "/api/nothing?token=x"),
        ("bad path", "GET", "/api/%252e"),
        ("no route", "GET", "/auth/nothing"),
        ("open", "GET", "/open/x"),
        ("login by fetch", "GET", "/auth/login"),
        ("forged callback", "GET", "/auth/callback/default?code=x&state=y"),
    ] {
        fetch(what, &third, method, path).await;
    }
    third.cross_site_post(&world.at("/api/echo")).await;
    // A stolen id with another secret half.
    let thief = third.copy();
    let mut stolen = thief.jar().get("localhost", COOKIE).expect("a session");
    stolen.value.replace_range(40..44, "AAAA");
    thief.jar().put(stolen);
    assert_login_required(&fetch("stolen", &thief, "GET", "/api/echo").await);
    // Logout, with its ticket and the hint for the provider.
    world.provider.on_revocation(Fault::Status(500));
    let out = fetch("logout", &third, "POST", "/auth/logout").await;
    let link = out.json()["location"].as_str().expect("a link").to_owned();
    let led = third.request("GET", &world.at(&link)).navigation().send().await;
    seen.note("logout link", &led);
    third.settle(led).await;
    eventually("the revocations", || world.provider.revocations() >= 2).await;
    // What the first flight lost comes to its end, too.
    crate::world::retry("an end", || world.echo(&first), |answer| answer.status != 503).await;
}

/// R30: a stolen folder, keyring and all, opens no session; with a browser's cookie beside it opens
/// that one.
#[tokio::test]
async fn a_stolen_folder_opens_nothing_without_a_cookie() {
    let mut world = World::start().await;
    let browser = world.logged_in().await;
    let other = world.logged_in().await;
    let held = world.echo(&browser).await;
    world.gateway.stop().await;
    let stolen = TempDir::new().expect("a temporary folder");
    for file in files_below(&world.gateway.folder().join("data")) {
        let name = file.file_name().expect("a file");
        fs::copy(&file, stolen.path().join(name)).expect("a copy");
    }
    world.gateway.restart().await;

    let settings = format!("data_dir = '{}'", stolen.path().display());
    let config =
        GatewayConfig::new(&world.provider, &world.upstream.url()).set("session", &settings);
    let second = Gateway::spawn(binary(), config).await;
    let echo = second.at("/api/echo");
    assert_login_required(&Browser::new().fetch("GET", &echo).await);

    // The right id, which the thief could guess at least; the secret half is another's.
    let (mine, others) = (cookie(&browser).expect("mine"), cookie(&other).expect("another's"));
    let mixed = Browser::new();
    let mut forged = browser.jar().get("localhost", COOKIE).expect("mine");
    // 16 bytes of id are 21⅓ characters: the cut at 24 characters leaves two bytes of the secret.
    forged.value = format!("{}{}", &mine[..24], &others[24..]);
    mixed.jar().put(forged);
    assert_login_required(&mixed.fetch("GET", &echo).await);
    assert!(second.log().contains("session record refused"));

    // Cookies ignore ports: the browser brings its own to the copy.
    let opened = browser.fetch("GET", &echo).await;
    assert_eq!(crate::world::bearer(&opened), crate::world::bearer(&held));
}
