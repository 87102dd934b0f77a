//! `GET events`: what a page hears of its session, and what it does not.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::http::{Request, Response};
use bytes::Bytes;
use cloakroom::{ReplyBody, cloakroom_core::session::Timeouts};
use cloakroom_testkit::{
    Browser, Fault,
    browser::{self, Events},
};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use crate::{
    held_store::HeldStore,
    service::{
        ABSOLUTE, IDLE, Mode, Service, in_each_mode, start, start_in, start_living, start_with,
    },
};

in_each_mode! {
    a_refresh_is_told_with_the_seconds_that_its_token_lasts,
    a_stream_outlives_the_memory_of_the_token_that_it_was_opened_with,
    a_logout_in_another_tab_is_told_and_ends_the_stream,
    a_dead_refresh_token_is_told_as_the_end,
    r31_a_login_in_the_session_s_place_is_told,
    a_stream_tells_of_its_own_session_alone,
    r36_only_a_page_of_ours_with_a_session_may_listen,
    the_streams_end_when_the_service_does,
    r32_who_times_out_does_not_listen_on,
}

// In mode jwt nobody but the refresh endpoint learns when the session ends.
mod where_the_session_s_end_is_known {
    use super::*;

    in_each_mode! {
        but jwt:
        r32_to_listen_is_no_use_of_the_session,
        r32_the_session_s_end_is_announced_once,
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// So short that a test can wait for its quarters: the stream's own timers are real.
const SHORT_IDLE: Duration = Duration::from_millis(400);

async fn logged_in(mode: Mode) -> (Service, Browser) {
    let (service, browser) = (start(mode).await, Browser::new());
    browser.login(&service.url, "anna", "pw", "/").await;
    (service, browser)
}

async fn try_listen(service: &Service, browser: &Browser) -> Result<Events, browser::Response> {
    browser.request("GET", &format!("{}/auth/events", service.url)).events().await
}

async fn listen(service: &Service, browser: &Browser) -> Events {
    try_listen(service, browser).await.unwrap_or_else(|answer| panic!("{answer:?}"))
}

/// The next event of a stream that has one within ten seconds, or that ends.
async fn next(events: &mut Events) -> Option<(String, Value)> {
    let event = tokio::time::timeout(10 * SECOND, events.next()).await;
    event.expect("an event within ten seconds").expect("a whole stream")
}

fn ended(reason: &str) -> Option<(String, Value)> {
    Some(("ended".to_owned(), json!({ "reason": reason })))
}

fn assert_refreshed(event: Option<(String, Value)>) {
    let (name, data) = event.expect("an event");
    let seconds = data["expiresIn"].as_u64();
    assert!(name == "refreshed" && seconds.is_some_and(|it| (290..=300).contains(&it)), "{data}");
}

async fn a_refresh_is_told_with_the_seconds_that_its_token_lasts(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let mut events = listen(&service, &browser).await;
    assert_eq!(events.headers()["cache-control"], "no-store, no-transform");
    // In mode jwt each refresh changes the token that the stream was opened with.
    for refreshes in 1..=3 {
        service.pass(301 * SECOND);
        assert_eq!(service.refresh(&browser).await.status.as_u16(), 204);
        assert_refreshed(next(&mut events).await);
        assert_eq!(service.provider.refreshes(), refreshes);
        // A refresh that the page asks for keeps no session alive.
        assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
        if mode == Mode::Sealed {
            // Towards the end that its cookies knew, a stream ends, and the browser connects again.
            events = listen(&service, &browser).await;
        }
    }
    let mut beside = listen(&service, &browser).await;
    service.log_out(&browser).await;
    for events in [&mut events, &mut beside] {
        assert_eq!(next(events).await, ended("logout"));
        assert_eq!(next(events).await, None);
        assert!(events.text().starts_with("retry: "), "{}", events.text());
        for secret in service.provider.issued_secrets() {
            assert!(!events.text().contains(&secret), "a token: {}", events.text());
        }
    }
}

/// In mode jwt a stream is opened with an access token, which is forgotten once it has expired.
async fn a_stream_outlives_the_memory_of_the_token_that_it_was_opened_with(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let mut events = listen(&service, &browser).await;
    for _ in 0..3 {
        service.pass(301 * SECOND);
        assert_eq!(service.refresh(&browser).await.status.as_u16(), 204);
        assert_refreshed(next(&mut events).await);
        assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
        if mode == Mode::Sealed {
            events = listen(&service, &browser).await;
        }
        // Later than late requests with the old token may come.
        service.pass(11 * SECOND);
        sweep(&service).await;
    }
    service.log_out(&browser).await;
    assert_eq!(next(&mut events).await, ended("logout"));
}

/// What the service does once a minute.
async fn sweep(service: &Service) {
    tokio::time::pause();
    let minute = tokio::time::timeout(61 * SECOND, service.cloakroom.keep_house());
    minute.await.expect_err("it never ends");
    tokio::time::resume();
}

async fn a_logout_in_another_tab_is_told_and_ends_the_stream(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let mut streams = [listen(&service, &browser).await, listen(&service, &browser).await];
    service.log_out(&browser.copy()).await;
    for events in &mut streams {
        assert_eq!(next(events).await, ended("logout"));
        assert_eq!(next(events).await, None);
    }
    let refused = try_listen(&service, &browser).await.err().expect("no stream");
    assert_eq!(refused.problem().as_deref(), Some("login-required"));
    assert_eq!(refused.header("cloakroom-session"), Some("login-required"));
}

async fn a_dead_refresh_token_is_told_as_the_end(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let mut events = listen(&service, &browser).await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::InvalidGrant);
    assert_eq!(service.refresh(&browser.copy()).await.status.as_u16(), 401);
    assert_eq!(next(&mut events).await, ended("expired"));
    assert_eq!(next(&mut events).await, None);
}

async fn r31_a_login_in_the_session_s_place_is_told(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let mut events = listen(&service, &browser).await;
    browser.login(&service.url, "ben", "pw", "/").await;
    assert_eq!(next(&mut events).await, ended("replaced"));
    assert_eq!(next(&mut events).await, None);
    listen(&service, &browser).await;
}

/// Two devices of one user, whose access tokens differ in nothing that names the session.
async fn a_stream_tells_of_its_own_session_alone(mode: Mode) {
    let (service, phone) = logged_in(mode).await;
    let laptop = Browser::new();
    laptop.login(&service.url, "anna", "pw", "/").await;
    let mut events = listen(&service, &laptop).await;
    let mut gone = listen(&service, &phone).await;
    service.pass(301 * SECOND);
    assert_eq!(service.refresh(&phone).await.status.as_u16(), 204);
    assert_refreshed(next(&mut gone).await);
    service.log_out(&phone).await;
    assert_eq!(next(&mut gone).await, ended("logout"));
    // What it hears first is its own.
    service.provider.on_refresh(Fault::InvalidGrant);
    assert_eq!(service.refresh(&laptop).await.status.as_u16(), 401);
    assert_eq!(next(&mut events).await, ended("expired"));
}

async fn r36_only_a_page_of_ours_with_a_session_may_listen(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let url = format!("{}/auth/events", service.url);
    let stranger = Browser::new().request("GET", &url).events().await.err().expect("no stream");
    assert_eq!(stranger.problem().as_deref(), Some("login-required"));
    let foreign = browser.request("GET", &url).from_page("https://evil.example");
    let foreign = foreign.ignoring_same_site().events().await.err().expect("no stream");
    assert_eq!(
        (foreign.status.as_u16(), foreign.header("access-control-allow-origin")),
        (403, None)
    );
    let post = browser.fetch("POST", &url).await;
    assert_eq!((post.status.as_u16(), post.header("allow")), (405, Some("GET")));
    listen(&service, &browser).await;
}

async fn the_streams_end_when_the_service_does(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let mut events = listen(&service, &browser).await;
    service.cloakroom.end_event_streams();
    assert_eq!(next(&mut events).await, None, "the session lives on");
    let mut late = listen(&service, &browser).await;
    assert_eq!(next(&mut late).await, None);
}

/// In mode server the stream says so; elsewhere only the browser's cookies know, so it ends, and the
/// browser asks again.
async fn r32_who_times_out_does_not_listen_on(mode: Mode) {
    // In mode jwt the idle timeout begins where the access token ends.
    let lifetime = 2 * SECOND;
    let service = start_living(mode, lifetime, |settings| {
        settings.timeouts = Timeouts { idle: SHORT_IDLE, absolute: ABSOLUTE };
    })
    .await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let mut events = listen(&service, &browser).await;
    service.pass(if mode == Mode::Jwt { lifetime + SHORT_IDLE } else { SHORT_IDLE });
    let expected = if mode == Mode::Server { ended("expired") } else { None };
    assert_eq!(next(&mut events).await, expected);
    let refused = try_listen(&service, &browser).await.err().expect("no stream");
    assert_eq!(refused.status.as_u16(), 401);
}

async fn r32_to_listen_is_no_use_of_the_session(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let _first = listen(&service, &browser).await;
    service.pass(IDLE / 2);
    let _second = listen(&service, &browser).await;
    service.pass(IDLE / 2);
    let refused = try_listen(&service, &browser).await.err().expect("no stream");
    assert_eq!(refused.problem().as_deref(), Some("login-required"));
}

async fn r32_the_session_s_end_is_announced_once(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    service.pass(IDLE - 100 * SECOND);
    let mut events = listen(&service, &browser).await;
    let expiring = Some(("expiring".to_owned(), json!({ "sessionExpiresIn": 100 })));
    assert_eq!(next(&mut events).await, expiring);
    service.log_out(&browser).await;
    assert_eq!(next(&mut events).await, ended("logout"));
}

/// Whoever uses the session moves its end on, and hears of the next one too.
#[tokio::test]
async fn r32_a_session_in_use_is_announced_to_end_later() {
    let service = start_with(Mode::Server, |settings| {
        settings.timeouts = Timeouts { idle: SHORT_IDLE, absolute: ABSOLUTE };
    })
    .await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let mut events = listen(&service, &browser).await;
    for _ in 0..2 {
        service.pass(SHORT_IDLE - SHORT_IDLE / 8);
        assert_eq!(next(&mut events).await.expect("an event").0, "expiring");
        assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    }
    service.pass(SHORT_IDLE);
    // Announced once more, or not, as the stream's timer falls.
    while let Some((name, data)) = next(&mut events).await {
        if name == "ended" {
            assert_eq!(data["reason"], "expired");
            return;
        }
    }
    panic!("the end was not told");
}

/// What happens while the session is looked at is no old news.
#[tokio::test]
async fn a_logout_at_the_very_time_of_the_beginning_is_told() {
    let store = Arc::new(HeldStore::default());
    let service = start_in(store.clone()).await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    store.load.hold(1);
    let (mut events, ()) = tokio::join!(listen(&service, &browser), async {
        store.load.came().await;
        service.log_out(&browser.copy()).await;
        store.load.release();
    });
    assert_eq!(next(&mut events).await, ended("logout"));
}

/// Who is logged out from elsewhere hears of it at once.
#[tokio::test]
async fn r33_a_logout_everywhere_reaches_the_other_devices() {
    let (service, phone) = logged_in(Mode::Server).await;
    let laptop = Browser::new();
    laptop.login(&service.url, "anna", "pw", "/").await;
    let mut streams = [listen(&service, &phone).await, listen(&service, &laptop).await];
    let url = format!("{}/auth/logout?everywhere=true", service.url);
    assert_eq!(phone.fetch("POST", &url).await.status.as_u16(), 200);
    for events in &mut streams {
        assert_eq!(next(events).await, ended("logout"));
    }
}

/// So that a peer that is gone is noticed, and no proxy takes the connection for idle.
#[tokio::test]
async fn a_comment_breaks_the_silence_every_25_seconds() {
    let (service, browser) = logged_in(Mode::Server).await;
    let cookie = browser.jar().get("localhost", "__Host-session").expect("a session").value;
    let request = Request::get("/auth/events")
        .header("host", service.url.trim_start_matches("http://"))
        .header("sec-fetch-site", "same-origin")
        .header("cookie", format!("__Host-session={cookie}"));
    let nobody = |_| async { panic!("it is no route") };
    let answer = service.cloakroom.handle(request.body(()).unwrap(), nobody).await;
    let answer: Result<Response<ReplyBody<Full<Bytes>>>, Infallible> = answer;
    let mut body = answer.expect("an answer").into_body();
    let mut piece = async || body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(piece().await.starts_with(b"retry: "));
    // From here on time passes as fast as nothing happens.
    tokio::time::pause();
    for _ in 0..3 {
        let before = tokio::time::Instant::now();
        assert_eq!(piece().await, ":\n\n");
        assert_eq!(before.elapsed().as_secs(), 25);
    }
}
