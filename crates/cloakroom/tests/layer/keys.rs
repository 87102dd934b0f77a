//! The keyring is replaced while the service runs (R28).

use cloakroom::cloakroom_core::{key::Keyring, random::OsRandom};
use cloakroom_testkit::Browser;

use crate::service::{Mode, in_each_mode, start};

in_each_mode! { r28_another_keyring_ends_what_the_one_before_sealed_and_nothing_else }

async fn r28_another_keyring_ends_what_the_one_before_sealed_and_nothing_else(mode: Mode) {
    let service = start(mode).await;
    let [before, after] = [Browser::new(), Browser::new()];
    before.login(&service.url, "anna", "pw", "/").await;
    let other = Keyring::generate(&OsRandom::default());
    assert!(service.cloakroom.replace_keyring(other.clone()));
    assert!(!service.cloakroom.replace_keyring(other), "the same again is no other");
    after.login(&service.url, "anna", "pw", "/").await;
    // Past the access token's life, which in mode jwt is a proof of its own.
    service.pass(std::time::Duration::from_secs(301));
    let answer = service.call(&before, "/api/seen").await;
    assert_eq!(answer.status.as_u16(), 401, "{answer:?}");
    assert_eq!(answer.header("cloakroom-session"), Some("login-required"));
    assert_eq!(service.call(&after, "/api/seen").await.status.as_u16(), 200);
    before.login(&service.url, "anna", "pw", "/").await;
    assert_eq!(service.call(&before, "/api/seen").await.status.as_u16(), 200);
}
