//! Revocation and logout.

use cloakroom_testkit::{Browser, Fault};
use url::Url;

use crate::client::{GOODBYE, Shop, parameter};

impl Shop {
    async fn revoke(&self, token: &str) -> u16 {
        let request = self.browser.request("POST", &self.endpoint("/revoke"));
        let client = [("token", token), ("client_id", "shop"), ("client_secret", "a+b c")];
        request.form(&client).send().await.status.as_u16()
    }
}

#[tokio::test]
async fn revocation_ends_the_grant() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    assert_eq!(shop.revoke("unknown").await, 200);
    assert_eq!(shop.provider.live_grants(), 1);
    shop.provider.on_revocation(Fault::Status(503));
    assert_eq!(shop.revoke(tokens["refresh_token"].as_str().unwrap()).await, 503);
    assert_eq!(shop.provider.live_grants(), 1);
    assert_eq!(shop.revoke(tokens["refresh_token"].as_str().unwrap()).await, 200);
    assert_eq!(shop.provider.live_grants(), 0);
    assert_eq!(shop.provider.revocations(), 3);
}

#[tokio::test]
async fn logout_ends_the_session_and_returns() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    let params = [
        ("id_token_hint", tokens["id_token"].as_str().unwrap()),
        ("post_logout_redirect_uri", GOODBYE),
        ("state", "bye"),
    ];
    let url = Url::parse_with_params(&shop.endpoint("/end_session"), params).unwrap();
    let redirect = shop.browser.navigate(url.as_str()).await;
    assert_eq!(redirect.location().unwrap().as_str(), format!("{GOODBYE}?state=bye"));
    let page = shop.browser.navigate(&shop.authorize_url(&[])).await;
    assert_eq!(page.status, 200, "the form is back");
    assert_eq!(parameter(&page, "code"), None);
    assert_eq!(shop.provider.logouts(), 1);
}

#[tokio::test]
async fn logout_ends_the_session_of_the_browser_without_a_hint() {
    let shop = Shop::start().await;
    shop.log_in(&[]).await;
    assert_eq!(shop.browser.navigate(&shop.endpoint("/end_session")).await.status, 200);
    assert_eq!(shop.browser.navigate(&shop.authorize_url(&[])).await.status, 200);
}

#[tokio::test]
async fn a_forged_hint_ends_nobodys_session() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    let hint = tokens["id_token"].as_str().unwrap();
    let forged = &hint[..hint.rfind('.').unwrap() + 1];
    let elsewhere = Browser::new();
    let url = shop.endpoint(&format!("/end_session?id_token_hint={forged}"));
    assert_eq!(elsewhere.navigate(&url).await.status, 200);
    let silent = shop.browser.navigate(&shop.authorize_url(&[])).await;
    assert!(parameter(&silent, "code").is_some());
}

#[tokio::test]
async fn logout_returns_to_registered_addresses_only() {
    let shop = Shop::start().await;
    let params = [("client_id", "shop"), ("post_logout_redirect_uri", "https://evil.example/")];
    let url = Url::parse_with_params(&shop.endpoint("/end_session"), params).unwrap();
    assert_eq!(shop.browser.navigate(url.as_str()).await.status, 200);
}
