//! What only time does: due tokens, grace, timeouts. The clock is the test's.

use std::time::Duration;

use cloakroom_testkit::{Browser, Fault, browser::Response, eventually};

use serde_json::json;

use crate::service::{ABSOLUTE, IDLE, Mode, Service, in_each_mode, start};

in_each_mode! {
    r15_a_fresh_token_is_left_alone_and_a_dead_one_refreshed_before_the_request,
    the_api_s_word_that_a_token_is_dead_refreshes_it_once_and_not_within_the_grace,
    r15_during_an_outage_a_session_asks_once_in_two_seconds_and_lives_on,
    r32_a_session_in_use_lives_until_its_absolute_end,
    a_refresh_says_how_long_the_token_lasts_also_where_it_changed_nothing,
    a_token_of_unknown_life_has_no_seconds_left_to_say,
}

const SECOND: Duration = Duration::from_secs(1);

// In mode jwt the page asks for a refresh, and use between refreshes is not seen.
mod where_each_request_counts {
    use super::*;

    in_each_mode! {
        but jwt:
        r15_a_due_token_is_refreshed_beside_the_request,
        r32_an_idle_session_ends_and_asking_who_is_logged_in_is_not_use,
        r32_a_refresh_does_not_undo_the_use_that_asked_for_it,
    }
}

async fn logged_in(mode: Mode) -> (Service, Browser) {
    let (service, browser) = (start(mode).await, Browser::new());
    browser.login(&service.url, "anna", "pw", "/").await;
    (service, browser)
}

async fn session(service: &Service, browser: &Browser) -> serde_json::Value {
    service.call(browser, "/auth/session").await.json()
}

async fn r15_a_fresh_token_is_left_alone_and_a_dead_one_refreshed_before_the_request(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 0);
    service.pass(301 * SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 1);
    assert!(session(&service, &browser).await["expiresIn"].as_u64().unwrap() > 290);
}

async fn r15_a_due_token_is_refreshed_beside_the_request(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    // A token of 300 s is due within 30 s of its end, and dead only in the last 7.5 s.
    service.pass(291 * SECOND);
    service.provider.on_refresh(Fault::Hold);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    eventually("the refresh has begun", || service.provider.refreshes() == 1).await;
    service.provider.release();
}

async fn a_refresh_says_how_long_the_token_lasts_also_where_it_changed_nothing(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let left = |answer: &Response| {
        assert_eq!(answer.status.as_u16(), 204, "{answer:?}");
        answer
            .header("cloakroom-expires-in")
            .expect("the seconds")
            .parse::<u64>()
            .expect("a number")
    };
    let fresh = left(&service.refresh(&browser).await);
    assert!((290..=300).contains(&fresh), "{fresh}");
    service.pass(100 * SECOND);
    let later = left(&service.refresh(&browser).await);
    assert!((190..=200).contains(&later), "{later}");
    assert_eq!(service.provider.refreshes(), 0);
    service.pass(201 * SECOND);
    let renewed = left(&service.refresh(&browser).await);
    assert!((290..=300).contains(&renewed), "{renewed}");
    assert_eq!(service.provider.refreshes(), 1);
}

/// Neither `expires_in` nor a readable `exp`. In mode jwt every token says its end.
async fn a_token_of_unknown_life_has_no_seconds_left_to_say(mode: Mode) {
    let service = start(mode).await;
    service.provider.tamper_token_response(move |answer| {
        answer.as_object_mut().expect("an object").remove("expires_in");
        if mode != Mode::Jwt {
            answer["access_token"] = json!("opaque");
        }
    });
    // It is the hash of the readable one.
    service.provider.tamper_id_token(|token| {
        token.claims.as_object_mut().expect("claims").remove("at_hash");
    });
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let refreshed = service.refresh(&browser).await;
    assert_eq!(refreshed.status.as_u16(), 204, "{refreshed:?}");
    assert_eq!(refreshed.header("cloakroom-expires-in").is_some(), mode == Mode::Jwt);
}

async fn the_api_s_word_that_a_token_is_dead_refreshes_it_once_and_not_within_the_grace(
    mode: Mode,
) {
    let (service, browser) = logged_in(mode).await;
    service.pass(5 * SECOND);
    let early = service.call(&browser, "/api/refuse").await;
    assert_eq!(early.header("cloakroom-session"), None, "a newer token would fare no better");
    let refresh = service.refresh(&browser).await;
    assert_eq!((refresh.status.as_u16(), service.provider.refreshes()), (204, 0));

    service.pass(6 * SECOND);
    let late = service.call(&browser, "/api/refuse").await;
    assert_eq!((late.status.as_u16(), late.header("cloakroom-session")), (401, Some("expired")));
    let refresh = service.refresh(&browser).await;
    assert_eq!((refresh.status.as_u16(), service.provider.refreshes()), (204, 1));
    service.call(&browser, "/api/refuse").await;
    service.refresh(&browser).await;
    assert_eq!(service.provider.refreshes(), 1, "the new token is within its grace");
}

async fn r15_during_an_outage_a_session_asks_once_in_two_seconds_and_lives_on(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::Status(500).always());
    for _ in 0..20 {
        let answer = service.call(&browser, "/api/seen").await;
        assert_eq!(answer.problem().as_deref(), Some("provider-unavailable"));
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(service.provider.refreshes(), 1);
    let session = session(&service, &browser).await;
    // Who cannot refresh cannot tell, in mode jwt.
    let expected = if mode == Mode::Jwt { json!(null) } else { json!(true) };
    assert_eq!(session["loggedIn"], expected, "an outage is no logout");
    service.pass(3 * SECOND);
    service.provider.heal();
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 2);
}

async fn r32_an_idle_session_ends_and_asking_who_is_logged_in_is_not_use(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    service.pass(IDLE / 2);
    assert_eq!(session(&service, &browser).await["loggedIn"], true);
    service.pass(IDLE / 2);
    assert_eq!(session(&service, &browser).await["loggedIn"], false);
    let answer = service.call(&browser, "/api/seen").await;
    assert_eq!(answer.problem().as_deref(), Some("login-required"));
}

async fn r32_a_session_in_use_lives_until_its_absolute_end(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    let step = IDLE / 2;
    let mut passed = Duration::ZERO;
    while passed + step < ABSOLUTE {
        service.pass(step);
        passed += step;
        assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200, "{passed:?}");
        if mode == Mode::Jwt {
            continue;
        }
        // The touch is written beside the request.
        let idle_left = IDLE.min(ABSOLUTE - passed).as_secs();
        for tries_left in (0..1000).rev() {
            if session(&service, &browser).await["sessionExpiresIn"] == idle_left {
                break;
            }
            assert!(tries_left > 0, "the idle timeout was not moved on at {passed:?}");
        }
    }
    service.pass(ABSOLUTE - passed);
    let answer = service.call(&browser, "/api/seen").await;
    assert_eq!(answer.problem().as_deref(), Some("login-required"));
}

async fn r32_a_refresh_does_not_undo_the_use_that_asked_for_it(mode: Mode) {
    let (service, browser) = logged_in(mode).await;
    // Slower than a token's life, faster than the idle timeout: every call needs a refresh.
    for call_number in 1..=5 {
        service.pass(IDLE * 2 / 3);
        let answer = service.call(&browser, "/api/seen").await;
        assert_eq!(answer.status.as_u16(), 200, "call {call_number}");
        assert_eq!(service.provider.refreshes(), call_number);
        for tries_left in (0..1000).rev() {
            if session(&service, &browser).await["sessionExpiresIn"] == IDLE.as_secs() {
                break;
            }
            assert!(tries_left > 0, "the idle timeout was not moved on by call {call_number}");
        }
    }
}
