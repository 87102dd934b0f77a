//! Refresh tokens: rotation and the reuse of a replaced one.

use std::time::Duration;

use cloakroom_testkit::ReusePolicy;

use crate::client::{Shop, decode};

#[tokio::test]
async fn a_refresh_rotates() {
    let shop = Shop::start().await;
    let first = shop.tokens().await;
    let second = shop.refresh(&first).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    let ((_, old), (_, new)) = (decode(&first["id_token"]), decode(&second["id_token"]));
    assert_eq!(
        (&old["sub"], &old["sid"], &old["auth_time"]),
        (&new["sub"], &new["sid"], &new["auth_time"])
    );
    assert!(new.get("nonce").is_none());
    assert_eq!(shop.refresh(&second).await.status, 200);
    assert_eq!(shop.provider.refreshes(), 2);
}

#[tokio::test]
async fn reuse_ends_the_family() {
    let shop = Shop::start().await;
    let first = shop.tokens().await;
    let second = shop.refresh(&first).await.json();
    assert_eq!(shop.provider.live_grants(), 1);
    assert_eq!(shop.refresh(&first).await.json()["error"], "invalid_grant");
    assert_eq!(shop.refresh(&second).await.json()["error"], "invalid_grant");
    assert_eq!(shop.provider.live_grants(), 0);
}

#[tokio::test]
async fn a_grace_forgives_reuse_for_a_while() {
    let forever = ReusePolicy::Grace(Duration::from_secs(3600));
    let shop = Shop::with(|provider| provider.reuse(forever)).await;
    let first = shop.tokens().await;
    let second = shop.refresh(&first).await.json();
    let again = shop.refresh(&first).await.json();
    assert_ne!(second["refresh_token"], again["refresh_token"]);
    assert_eq!(shop.refresh(&second).await.status, 200);

    let over = ReusePolicy::Grace(Duration::ZERO);
    let shop = Shop::with(|provider| provider.reuse(over)).await;
    let first = shop.tokens().await;
    shop.refresh(&first).await;
    assert_eq!(shop.refresh(&first).await.status, 400);
}

#[tokio::test]
async fn without_rotation_a_token_stays() {
    let shop = Shop::with(|provider| provider.reuse(ReusePolicy::NoRotation)).await;
    let first = shop.tokens().await;
    let second = shop.refresh(&first).await.json();
    assert_eq!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(shop.refresh(&first).await.status, 200);
}

#[tokio::test]
async fn only_an_offline_grant_is_refreshed() {
    let shop = Shop::start().await;
    let redirect = shop.log_in(&[("scope", "openid")]).await;
    let code = crate::client::parameter(&redirect, "code").unwrap();
    assert!(shop.exchange(&code).await.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn the_mint_refreshes_what_it_issued() {
    let shop = Shop::start().await;
    let mint = shop.provider.mint();
    let first = mint.issue_tokens("anna").refresh_token.unwrap();
    let second = mint.refresh(&first).unwrap().refresh_token.unwrap();
    assert_ne!(first, second);
    assert!(mint.refresh(&first).is_none() && mint.refresh(&second).is_none());
    assert_eq!(shop.provider.refreshes(), 0);
}
