//! `POST /auth/logout?everywhere=true`: all sessions of a user end, and nobody else's (R33).

use std::{sync::Arc, time::Duration};

use cloakroom::cloakroom_core::key::Keyring;
use cloakroom_testkit::{Browser, Fault, browser::Response, eventually};

use crate::{
    held_store::HeldStore,
    service::{Mode, Service, in_each_mode, start, start_in},
};

in_each_mode! {
    r33_a_logout_everywhere_ends_all_sessions_of_the_user_or_says_that_it_cannot,
    r33_what_is_not_understood_ends_nothing,
}

async fn logged_in(service: &Service, user: &str) -> Browser {
    let browser = Browser::new();
    browser.login(&service.url, user, "pw", "/").await;
    assert!(is_logged_in(service, &browser).await);
    browser
}

async fn is_logged_in(service: &Service, browser: &Browser) -> bool {
    service.call(browser, "/auth/session").await.json()["loggedIn"] == true
}

async fn log_out(service: &Service, browser: &Browser, query: &str) -> Response {
    browser.fetch("POST", &format!("{}/auth/logout{query}", service.url)).await
}

const EVERYWHERE: &str = "?everywhere=true";

async fn r33_a_logout_everywhere_ends_all_sessions_of_the_user_or_says_that_it_cannot(mode: Mode) {
    let service = start(mode).await;
    let annas = [logged_in(&service, "anna").await, logged_in(&service, "anna").await];
    let other = logged_in(&service, "ben").await;
    let answer = log_out(&service, &annas[0], EVERYWHERE).await;
    if mode == Mode::Server {
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        let location = answer.json()["location"].as_str().unwrap().to_owned();
        assert!(location.starts_with("/auth/logout?ticket="), "as any logout: {location}");
        assert!(annas[0].jar().of("localhost").is_empty());
        assert!(!is_logged_in(&service, &annas[1]).await);
        let refused = service.call(&annas[1], "/api/seen").await;
        assert_eq!(refused.header("cloakroom-session"), Some("login-required"));
    } else {
        let problem = answer.problem();
        assert_eq!(
            (answer.status.as_u16(), problem.as_deref()),
            (400, Some("everywhere-unsupported"))
        );
        assert!(answer.header_all("set-cookie").is_empty());
        assert_eq!(answer.header("clear-site-data"), None);
        assert!(is_logged_in(&service, &annas[0]).await, "nothing has ended");
        assert!(is_logged_in(&service, &annas[1]).await);
        if mode == Mode::Jwt {
            let direct = format!("{}/auth/refresh/logout{EVERYWHERE}", service.url);
            let answer = annas[0].fetch("POST", &direct).await;
            assert_eq!(answer.problem().as_deref(), Some("everywhere-unsupported"));
            assert!(is_logged_in(&service, &annas[0]).await);
        }
    }
    assert!(is_logged_in(&service, &other).await, "somebody else's session");
    assert_eq!(
        log_out(&service, &Browser::new(), "").await.status.as_u16() / 100,
        if mode == Mode::Jwt { 3 } else { 2 }
    );
}

async fn r33_what_is_not_understood_ends_nothing(mode: Mode) {
    let service = start(mode).await;
    let browser = logged_in(&service, "anna").await;
    for query in
        ["?everywhere=1", "?everywhere", "?everywhere=false", "?everywhere=true&everywhere=true"]
    {
        let answer = log_out(&service, &browser, query).await;
        let problem = answer.problem();
        assert_eq!(
            (answer.status.as_u16(), problem.as_deref()),
            (400, Some("bad-request")),
            "{query}"
        );
    }
    assert!(is_logged_in(&service, &browser).await);
}

/// R28: sessions that were filed under a key before it was rotated are found, refreshed since or not.
#[tokio::test]
async fn r33_a_logout_everywhere_finds_what_was_filed_under_an_older_key() {
    let service = start(Mode::Server).await;
    let (here, refreshed, untouched) = (
        logged_in(&service, "anna").await,
        logged_in(&service, "anna").await,
        logged_in(&service, "anna").await,
    );
    let random = Arc::new(cloakroom::cloakroom_core::random::OsRandom::default());
    let newer = Keyring::generate(&*random).to_line().to_string();
    let both = format!("{newer}\n{}", *service.keyring.to_line());
    assert!(service.cloakroom.replace_keyring(Keyring::parse(&both).unwrap()));
    service.pass(Duration::from_secs(301));
    assert!(is_logged_in(&service, &refreshed).await, "sealed and filed anew");
    assert_eq!(log_out(&service, &here, EVERYWHERE).await.status.as_u16(), 200);
    for browser in [refreshed, untouched] {
        assert!(!is_logged_in(&service, &browser).await);
    }
}

/// A session that was sealed anew is filed anew, so that it is still found when the older key is gone.
#[tokio::test]
async fn r33_a_refreshed_session_is_found_without_the_older_key() {
    let service = start(Mode::Server).await;
    let (here, there) = (logged_in(&service, "anna").await, logged_in(&service, "anna").await);
    let random = Arc::new(cloakroom::cloakroom_core::random::OsRandom::default());
    let newer = Keyring::generate(&*random).to_line().to_string();
    let both = format!("{newer}\n{}", *service.keyring.to_line());
    service.cloakroom.replace_keyring(Keyring::parse(&both).unwrap());
    service.pass(Duration::from_secs(301));
    assert!(is_logged_in(&service, &here).await && is_logged_in(&service, &there).await);
    service.cloakroom.replace_keyring(Keyring::parse(&newer).unwrap());
    assert!(is_logged_in(&service, &there).await);
    assert_eq!(log_out(&service, &here, EVERYWHERE).await.status.as_u16(), 200);
    assert!(!is_logged_in(&service, &there).await);
}

/// R33: a session that is sealed anew, and so moves in the index, is in none of two looks beside each other
/// unless the older key is looked under first.
#[tokio::test]
async fn r33_a_logout_everywhere_finds_what_is_filed_anew_meanwhile() {
    let store = Arc::new(HeldStore::default());
    let service = start_in(store.clone()).await;
    let (here, there) = (logged_in(&service, "anna").await, logged_in(&service, "anna").await);
    let random = Arc::new(cloakroom::cloakroom_core::random::OsRandom::default());
    let newer = Keyring::generate(&*random).to_line().to_string();
    let both = format!("{newer}\n{}", *service.keyring.to_line());
    service.cloakroom.replace_keyring(Keyring::parse(&both).unwrap());
    service.pass(Duration::from_secs(301));
    store.filed.hold(1);
    let (answer, ()) = tokio::join!(log_out(&service, &here, EVERYWHERE), async {
        store.filed.came().await;
        assert!(is_logged_in(&service, &there).await, "sealed and filed anew");
        store.filed.release();
    });
    assert_eq!(answer.status.as_u16(), 200);
    assert!(!is_logged_in(&service, &there).await);
}

/// R17: a refresh that begins in the middle of a logout brings tokens that nobody will use.
#[tokio::test]
async fn r17_what_a_refresh_brings_that_began_in_the_middle_of_a_logout_is_revoked() {
    for query in ["", EVERYWHERE] {
        let store = Arc::new(HeldStore::default());
        let service = start_in(store.clone()).await;
        let (here, there) = (logged_in(&service, "anna").await, logged_in(&service, "anna").await);
        service.pass(Duration::from_secs(301));
        assert!(is_logged_in(&service, &here).await);
        service.provider.on_refresh(Fault::Hold);
        // Else the provider ends the grant at once, and the refresh brings nothing.
        service.provider.on_revocation(Fault::Status(503));
        service.provider.on_revocation(Fault::Status(503));
        store.remove.hold(1);
        let leaving = if query.is_empty() { there.copy() } else { here };
        let (answer, ()) = tokio::join!(log_out(&service, &leaving, query), async {
            store.remove.came().await;
            let url = format!("{}/api/seen", service.url);
            tokio::select! {
                _ = there.fetch("GET", &url) => panic!("the provider holds the refresh"),
                () = eventually("the refresh is at the provider", || service.provider.refreshes() == 2) => {}
            }
            store.remove.release();
        });
        assert_eq!(answer.status.as_u16(), 200);
        eventually("the old set's revocations failed", || service.provider.revocations() == 2)
            .await;
        service.provider.release();
        service.cloakroom.drain().await;
        assert_eq!(
            service.provider.revocations(),
            4,
            "{query}: those of a session, and the new ones"
        );
    }
}

/// R33: a browser that goes away stops no logout half-way.
#[tokio::test]
async fn r33_a_logout_everywhere_ends_the_session_of_a_browser_that_went_away_too() {
    let store = Arc::new(HeldStore::default());
    let service = start_in(store.clone()).await;
    let (here, there) = (logged_in(&service, "anna").await, logged_in(&service, "anna").await);
    store.filed.hold(1);
    tokio::select! {
        _ = log_out(&service, &here, EVERYWHERE) => panic!("the store holds it"),
        () = store.filed.came() => {}
    }
    // The connection is closed; the service notices before the store answers.
    tokio::time::sleep(Duration::from_millis(200)).await;
    store.filed.release();
    service.cloakroom.drain().await;
    for browser in [here, there] {
        assert!(!is_logged_in(&service, &browser).await);
    }
}

/// R17: this session's tokens are revoked, and what a refresh brings to another one that ended meanwhile.
#[tokio::test]
async fn r17_what_a_refresh_brings_to_a_session_that_was_ended_from_elsewhere_is_revoked() {
    let service = start(Mode::Server).await;
    let (here, there) = (logged_in(&service, "anna").await, logged_in(&service, "anna").await);
    service.pass(Duration::from_secs(301));
    assert!(is_logged_in(&service, &here).await);
    service.provider.on_refresh(Fault::Hold);
    let url = format!("{}/api/seen", service.url);
    {
        let waiting = there.fetch("GET", &url);
        tokio::select! {
            _ = waiting => panic!("the provider holds the refresh"),
            () = eventually("the refresh is at the provider", || service.provider.refreshes() == 2) => {}
        }
    }
    assert_eq!(log_out(&service, &here, EVERYWHERE).await.status.as_u16(), 200);
    eventually("this session's tokens are revoked", || service.provider.revocations() == 2).await;
    assert_eq!(service.provider.live_grants(), 1);
    service.provider.release();
    service.cloakroom.drain().await;
    assert_eq!(service.provider.revocations(), 4, "two tokens of each session");
    assert_eq!(service.provider.live_grants(), 0);
    assert!(!is_logged_in(&service, &there).await);
}
