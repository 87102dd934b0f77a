//! What the cookies of mode `sealed` can and cannot be made to do; and what holds in every mode of
//! browsers that miss an answer.

use std::time::Duration;

use cloakroom_testkit::{Browser, Fault, browser::Response, eventually};

use crate::service::{IDLE, Mode, Service, WIDE_USERS, in_each_mode, start};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "localhost";

in_each_mode! {
    r15_parallel_requests_with_a_dead_token_spend_the_refresh_token_once,
    r15_who_missed_the_answer_with_the_new_cookie_is_not_logged_out,
    r15_a_refresh_whose_browser_went_away_serves_its_next_request,
    r27_a_session_cookie_that_comes_twice_is_none,
    r48_a_copy_of_the_cookies_opens_nothing_after_the_logout,
    a_late_answer_sets_no_cookie_after_a_logout,
}

/// Logged in as the user whose name is `letter` over and over.
async fn wide(service: &Service, letter: &str) -> Browser {
    let browser = Browser::new();
    let (letter, length) = WIDE_USERS.iter().find(|(it, _)| *it == letter).unwrap();
    browser.login(&service.url, &letter.repeat(*length), "pw", "/").await;
    browser
}

async fn logged_in(mode: Mode) -> (Service, Browser) {
    let (service, browser) = (start(mode).await, Browser::new());
    browser.login(&service.url, "anna", "pw", "/").await;
    (service, browser)
}

fn chunk(browser: &Browser, index: usize) -> String {
    let name = if index == 0 { String::new() } else { format!("-{index}") };
    browser.jar().get(HOST, &format!("__Host-session{name}")).unwrap().value
}

fn set_chunk(browser: &Browser, index: usize, value: Option<String>) {
    let name = if index == 0 { String::new() } else { format!("-{index}") };
    let mut cookie = browser.jar().get(HOST, "__Host-session").unwrap();
    cookie.name = format!("__Host-session{name}");
    match value {
        Some(value) => cookie.value = value,
        None => cookie.expires = Some(Duration::ZERO),
    }
    browser.jar().put(cookie);
}

fn sets_cookies(answer: &Response) -> Vec<String> {
    let names = answer.header_all("set-cookie").into_iter();
    names.map(|cookie| cookie.split('=').next().unwrap().to_owned()).collect()
}

async fn is_logged_out(service: &Service, browser: &Browser) -> bool {
    let answer = service.call(browser, "/api/seen").await;
    answer.problem().as_deref() == Some("login-required")
}

#[tokio::test]
async fn r29_chunks_of_two_users_or_generations_make_no_session() {
    let service = start(Mode::Sealed).await;
    let (first, second) = (wide(&service, "w").await, wide(&service, "x").await);
    assert!(chunk(&first, 2).len() > 1, "three chunks");
    for index in 0..3 {
        let mixed = first.copy();
        set_chunk(&mixed, index, Some(chunk(&second, index)));
        assert!(is_logged_out(&service, &mixed).await, "chunk {index} of another user");
    }
    let old = first.copy();
    service.pass(301 * SECOND);
    assert_eq!(service.call(&first, "/api/seen").await.status.as_u16(), 200);
    for index in 0..3 {
        assert_ne!(chunk(&old, index), chunk(&first, index));
        let mixed = first.copy();
        set_chunk(&mixed, index, Some(chunk(&old, index)));
        assert!(is_logged_out(&service, &mixed).await, "chunk {index} of another generation");
    }
    // Nobody was logged out by that.
    for browser in [&first, &second, &old] {
        assert!(!is_logged_out(&service, browser).await);
    }
}

#[tokio::test]
async fn r29_missing_extra_swapped_and_cut_chunks_make_no_session() {
    let service = start(Mode::Sealed).await;
    let browser = wide(&service, "w").await;
    for index in 0..3 {
        let without = browser.copy();
        set_chunk(&without, index, None);
        assert!(is_logged_out(&service, &without).await, "without chunk {index}");
    }
    let changed = |change: &dyn Fn(&Browser)| {
        let copy = browser.copy();
        change(&copy);
        copy
    };
    let extra = changed(&|copy| set_chunk(copy, 3, Some("AAAA".to_owned())));
    let far = changed(&|copy| set_chunk(copy, 77, Some("AAAA".to_owned())));
    let swapped = changed(&|copy| {
        set_chunk(copy, 1, Some(chunk(&browser, 2)));
        set_chunk(copy, 2, Some(chunk(&browser, 1)));
    });
    let cut = changed(&|copy| {
        let mut value = chunk(&browser, 2);
        value.pop();
        set_chunk(copy, 2, Some(value));
    });
    for (what, copy) in [("extra", extra), ("far", far), ("swapped", swapped), ("cut", cut)] {
        assert!(is_logged_out(&service, &copy).await, "{what}");
    }
    assert!(!is_logged_out(&service, &browser).await);
}

#[tokio::test]
async fn r29_a_smaller_session_leaves_no_chunk_of_the_larger_one_behind() {
    let service = start(Mode::Sealed).await;
    let browser = wide(&service, "w").await;
    let page = browser.fetch("POST", &format!("{}/auth/logout", service.url)).await;
    let names = ["__Host-session", "__Host-session-1", "__Host-session-2"];
    assert_eq!(sets_cookies(&page), names, "R48: every chunk is deleted");
    assert!(browser.jar().of(HOST).is_empty());

    let browser = wide(&service, "w").await;
    // The provider remembers the first user.
    let fresh = Browser::new();
    fresh.login(&service.url, "anna", "pw", "/").await;
    for cookie in fresh.jar().of(HOST) {
        browser.jar().put(cookie);
    }
    assert!(is_logged_out(&service, &browser).await, "chunks of the larger one are in the way");
    let again = browser.copy();
    again.login(&service.url, "anna", "pw", "/").await;
    assert!(!is_logged_out(&service, &again).await, "a login heals it");
}

#[tokio::test]
async fn r23_what_does_not_fit_is_refused_at_login_with_the_mode_that_takes_it() {
    for (mode, too_large) in [(Mode::Server, false), (Mode::Sealed, true), (Mode::Jwt, true)] {
        let service = start(mode).await;
        let browser = Browser::new();
        let name = "y".repeat(2400);
        let answer = browser.login(&service.url, &name, "pw", "/").await;
        if too_large {
            assert_eq!(answer.status.as_u16(), 500);
            assert!(answer.text().contains("tokens-too-large"), "{answer:?}");
            assert!(is_logged_out(&service, &browser).await);
            service.cloakroom.drain().await;
            assert_eq!(service.provider.live_grants(), 0, "nobody will ever use the tokens");
        } else {
            assert!(!is_logged_out(&service, &browser).await);
        }
    }
}

async fn r15_parallel_requests_with_a_dead_token_spend_the_refresh_token_once(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    service.pass(301 * SECOND);
    let calls = (0..8).map(|_| service.call(&browser, "/api/seen"));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.status.as_u16(), 200);
    }
    assert_eq!(service.provider.refreshes(), 1);
}

async fn r15_who_missed_the_answer_with_the_new_cookie_is_not_logged_out(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    service.pass(301 * SECOND);
    // The answer with the new cookies goes to a jar that nobody keeps.
    assert_eq!(service.call(&browser.copy(), "/api/seen").await.status.as_u16(), 200);
    // Within the grace, and long past it.
    for seconds in [5, 60] {
        service.pass(seconds * SECOND);
        let lost = browser.copy();
        assert_eq!(service.call(&lost, "/api/seen").await.status.as_u16(), 200);
        assert_eq!(service.provider.refreshes(), 1, "the token was spent once");
    }
    service.pass(301 * SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 2, "the successor's, not the spent one");
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
}

async fn r15_a_refresh_whose_browser_went_away_serves_its_next_request(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::Hold);
    tokio::select! {
        _ = service.call(&browser, "/api/seen") => panic!("the provider holds the refresh"),
        () = eventually("the refresh is at the provider", || service.provider.refreshes() == 1) => {}
    }
    service.provider.release();
    service.pass(60 * SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 1);
}

async fn r27_a_session_cookie_that_comes_twice_is_none(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let url = format!("{}/api/seen", service.url);
    for cookie in browser.jar().of(HOST).iter().filter(|cookie| cookie.path == "/") {
        let twice = format!("{0}={1}; {0}={1}", cookie.name, cookie.value);
        let answer = browser.request("GET", &url).header("cookie", &twice).send().await;
        assert_eq!(answer.problem().as_deref(), Some("login-required"), "{}", cookie.name);
    }
    assert!(!is_logged_out(&service, &browser).await);
}

async fn r48_a_copy_of_the_cookies_opens_nothing_after_the_logout(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let thief = browser.copy();
    assert_eq!(service.log_out(&browser).await.status.as_u16(), 200);
    assert!(browser.jar().of(HOST).is_empty());
    assert!(is_logged_out(&service, &thief).await);
    let refresh = service.refresh(&thief).await;
    assert_eq!(refresh.problem().as_deref(), Some("login-required"));
    service.pass(301 * SECOND);
    assert!(is_logged_out(&service, &thief).await, "nor when the token is due");
    service.cloakroom.drain().await;
    assert_eq!((service.provider.refreshes(), service.provider.live_grants()), (0, 0));
}

async fn a_late_answer_sets_no_cookie_after_a_logout(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    // In mode sealed the answer would move the idle timeout on.
    service.pass(IDLE / 3);
    let tab = browser.copy();
    let late = service.call(&tab, "/api/held");
    tokio::pin!(late);
    tokio::select! {
        _ = &mut late => panic!("the handler holds the answer"),
        () = service.hold.came.notified() => {}
    }
    assert_eq!(service.log_out(&browser).await.status.as_u16(), 200);
    service.hold.release.notify_one();
    let late = late.await;
    assert_eq!(late.status.as_u16(), 200);
    assert_eq!(sets_cookies(&late), Vec::<String>::new());
}

#[tokio::test]
async fn a_refresh_beside_the_request_brings_its_cookie_with_the_next_answer() {
    let (service, browser) = logged_in(Mode::Sealed).await;
    let before = chunk(&browser, 0);
    // A token of 300 s is due within 30 s of its end. The touch is another matter.
    service.pass(291 * SECOND);
    service.provider.on_refresh(Fault::Hold);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    let touched = chunk(&browser, 0);
    assert_ne!(before, touched, "used after half of the idle timeout");
    eventually("the refresh has begun", || service.provider.refreshes() == 1).await;
    service.provider.release();
    // Asked with cookies that nobody keeps.
    for tries_left in (0..1000).rev() {
        let session = service.call(&browser.copy(), "/auth/session").await.json();
        if session["expiresIn"].as_u64().unwrap() > 290 {
            break;
        }
        assert!(tries_left > 0, "the refresh does not land");
    }
    let next = service.call(&browser, "/api/seen").await;
    assert_eq!(next.status.as_u16(), 200);
    assert_eq!(next.header("cache-control"), Some("no-store"), "no cache keeps our cookies");
    assert_ne!(touched, chunk(&browser, 0));
    let after = service.call(&browser, "/api/seen").await;
    assert!(sets_cookies(&after).is_empty(), "it has arrived");
    let session = service.call(&browser, "/auth/session").await.json();
    assert!(session["expiresIn"].as_u64().unwrap() > 290);
    assert_eq!(service.provider.refreshes(), 1);
}

#[tokio::test]
async fn a_logout_in_the_middle_of_a_refresh_leaves_no_cookie_and_no_token() {
    let (service, browser) = logged_in(Mode::Sealed).await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::Hold);
    let tab = browser.copy();
    let waiting = service.call(&tab, "/api/seen");
    tokio::pin!(waiting);
    tokio::select! {
        _ = &mut waiting => panic!("the provider holds the refresh"),
        () = eventually("the refresh is at the provider", || service.provider.refreshes() == 1) => {}
    }
    assert_eq!(service.log_out(&browser).await.status.as_u16(), 200);
    service.provider.release();
    let late = waiting.await;
    assert_eq!(late.problem().as_deref(), Some("login-required"));
    assert_eq!(sets_cookies(&late), Vec::<String>::new());
    service.cloakroom.drain().await;
    assert_eq!(service.provider.live_grants(), 0);
}

#[tokio::test]
async fn r32_the_cookie_s_own_idle_timeout_counts() {
    let (service, browser) = logged_in(Mode::Sealed).await;
    let old = browser.copy();
    service.pass(IDLE / 2);
    assert!(!is_logged_out(&service, &browser).await);
    service.pass(IDLE / 2 + SECOND);
    assert!(!is_logged_out(&service, &browser).await, "its use was sealed into its cookie");
    // Both were refreshed since; this process remembers that for the old one too.
    let refreshed = service.provider.refreshes();
    service.pass(IDLE + SECOND);
    for browser in [&browser, &old] {
        assert!(is_logged_out(&service, browser).await);
    }
    assert_eq!(service.provider.refreshes(), refreshed, "an idle session spends nothing");
}

#[tokio::test]
async fn r28_a_cookie_of_another_keyring_is_no_session() {
    let (service, browser) = logged_in(Mode::Sealed).await;
    let other = start(Mode::Sealed).await;
    let value = chunk(&browser, 0);
    let request = browser.request("GET", &format!("{}/api/seen", other.url));
    let answer = request.header("cookie", &format!("__Host-session={value}")).send().await;
    assert_eq!(answer.problem().as_deref(), Some("login-required"));
    drop(service);
}
