//! Discovery, the login form, codes and what comes out of them.

use std::time::Duration;

use cloakroom_testkit::provider::Signature;
use cloakroom_testkit::{Client, Provider};
use serde_json::json;

use crate::client::{CALLBACK, Shop, VERIFIER, decode, parameter};

#[tokio::test]
async fn discovery_names_the_issuer_and_s256() {
    let shop = Shop::start().await;
    let url = shop.endpoint("/.well-known/openid-configuration");
    let metadata = shop.browser.fetch("GET", &url).await.json();
    assert_eq!(metadata["issuer"], shop.provider.issuer());
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(shop.provider.discoveries(), 1);
}

#[tokio::test]
async fn a_login_ends_in_tokens() {
    let shop = Shop::start().await;
    let redirect = shop.log_in(&[("resource", "https://api.shop.example")]).await;
    assert_eq!(redirect.status, 303);
    assert!(redirect.location().unwrap().as_str().starts_with(CALLBACK));
    assert_eq!(parameter(&redirect, "state").as_deref(), Some("s-1"));
    assert_eq!(parameter(&redirect, "iss").as_deref(), Some(shop.provider.issuer()));

    let tokens = shop.exchange(&parameter(&redirect, "code").unwrap()).await.json();
    let (header, claims) = decode(&tokens["access_token"]);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["aud"], "https://api.shop.example");
    assert_eq!(claims["sub"], "anna");
    assert_eq!(tokens["expires_in"], 300);
    assert!(shop.provider.mint().verify(tokens["access_token"].as_str().unwrap()).is_some());

    let (header, claims) = decode(&tokens["id_token"]);
    assert_eq!(header["alg"], "ES256");
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["aud"], "shop");
    assert_eq!(claims["name"], "Anna");
    assert_eq!(shop.provider.code_exchanges(), 1);
}

#[tokio::test]
async fn every_secret_is_on_record() {
    let shop = Shop::start().await;
    let code = shop.code().await;
    let tokens = shop.exchange(&code).await.json();
    let secrets = shop.provider.issued_secrets();
    assert!(secrets.contains(&code));
    for token in ["access_token", "refresh_token", "id_token"] {
        assert!(secrets.iter().any(|secret| tokens[token] == **secret), "{token}");
    }
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again() {
    let shop = Shop::start().await;
    let page = shop.browser.navigate(&shop.authorize_url(&[])).await;
    let wrong = [("username", "anna"), ("password", "guess")];
    let page = shop.browser.submit(&page, &wrong).await;
    assert_eq!(page.status, 401);
    assert!(page.text().contains("do not match"));
    let right = [("username", "anna"), ("password", "secret")];
    assert_eq!(shop.browser.submit(&page, &right).await.status, 303);
}

#[tokio::test]
async fn the_provider_remembers_who_is_logged_in() {
    let shop = Shop::start().await;
    let none = shop.browser.navigate(&shop.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(parameter(&none, "error").as_deref(), Some("login_required"));
    shop.log_in(&[]).await;
    let silent = shop.browser.navigate(&shop.authorize_url(&[])).await;
    assert!(parameter(&silent, "code").is_some());
    let asked = shop.browser.navigate(&shop.authorize_url(&[("prompt", "login")])).await;
    assert_eq!(asked.status, 200);
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let shop = Shop::start().await;
    for change in [("client_id", "other"), ("redirect_uri", "http://localhost:1/callback/")] {
        let page = shop.browser.navigate(&shop.authorize_url(&[change])).await;
        assert_eq!(page.status, 400, "{change:?}");
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "profile"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
    ] {
        let redirect = shop.browser.navigate(&shop.authorize_url(&[change])).await;
        assert_eq!(parameter(&redirect, "error").as_deref(), Some(error), "{change:?}");
    }
}

#[tokio::test]
async fn a_code_works_once_and_its_replay_ends_the_grant() {
    let shop = Shop::start().await;
    let code = shop.code().await;
    let tokens = shop.exchange(&code).await.json();
    assert_eq!(shop.exchange(&code).await.json()["error"], "invalid_grant");
    assert_eq!(shop.refresh(&tokens).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_expires() {
    let shop = Shop::with(|provider| provider.code_lifetime(Duration::ZERO)).await;
    let code = shop.code().await;
    assert_eq!(shop.exchange(&code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_its_redirect_uri() {
    let shop = Shop::start().await;
    for (verifier, redirect_uri) in [("wrong", CALLBACK), (VERIFIER, "http://localhost:1/")] {
        let code = shop.code().await;
        shop.browser.jar().clear();
        let params = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let answer = shop.token(&params).await.unwrap();
        assert_eq!(answer.json()["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn clients_prove_themselves() {
    let shop = Shop::start().await;
    shop.provider.add_client(Client::public("app"));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let ask = async |client: &[(&str, &str)]| {
        let form: Vec<_> = refresh.iter().chain(client).copied().collect();
        let request = shop.browser.request("POST", &shop.endpoint("/token"));
        request.form(&form).send().await.json()["error"].clone()
    };
    assert_eq!(ask(&[]).await, "invalid_client");
    assert_eq!(ask(&[("client_id", "shop")]).await, "invalid_client");
    assert_eq!(ask(&[("client_id", "shop"), ("client_secret", "no")]).await, "invalid_client");
    assert_eq!(ask(&[("client_id", "shop"), ("client_secret", "a+b c")]).await, "invalid_grant");
    assert_eq!(ask(&[("client_id", "app")]).await, "invalid_grant");

    let twice = [("client_id", "shop"), ("client_secret", "a+b c")];
    let both = shop.token(&[&refresh[..], &twice].concat()).await.unwrap();
    assert_eq!(both.json()["error"], "invalid_client", "one method per request");
}

#[tokio::test]
async fn only_access_tokens_count_as_access_tokens() {
    let provider = Provider::builder().user("anna", "secret").start().await;
    let tokens = provider.issue_tokens("anna");
    assert!(provider.mint().verify(&tokens.access_token).is_some());
    assert!(provider.mint().verify(&tokens.id_token).is_none());
}

#[tokio::test]
async fn keys_rotate_and_old_ones_stay_published() {
    let shop = Shop::start().await;
    let before = shop.provider.issue_tokens("anna").access_token;
    shop.provider.rotate_keys();
    let after = shop.provider.issue_tokens("anna").access_token;
    let (before_header, _) = decode(&json!(before));
    let (after_header, _) = decode(&json!(after));
    assert_ne!(before_header["kid"], after_header["kid"]);
    let mint = shop.provider.mint();
    assert!(mint.verify(&before).is_some() && mint.verify(&after).is_some());
    let jwks = shop.browser.fetch("GET", &shop.endpoint("/jwks")).await.json();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    assert_eq!(shop.provider.jwks_fetches(), 1);
}

#[tokio::test]
async fn what_is_sent_can_be_tampered_with() {
    let shop = Shop::start().await;
    shop.provider.tamper_id_token(|token| {
        token.header["alg"] = json!("none");
        token.claims["nonce"] = json!("wrong");
        token.signature = Signature::Empty;
    });
    shop.provider.tamper_authorization_response(|params| params.retain(|(name, _)| name != "iss"));
    shop.provider.tamper_token_response(|answer| answer["token_type"] = json!("bearer"));
    shop.provider.tamper_metadata(|metadata| metadata["issuer"] = json!("https://evil.example"));

    let redirect = shop.log_in(&[]).await;
    assert_eq!(parameter(&redirect, "iss"), None);
    let tokens = shop.exchange(&parameter(&redirect, "code").unwrap()).await.json();
    let (header, claims) = decode(&tokens["id_token"]);
    assert_eq!((&header["alg"], &claims["nonce"]), (&json!("none"), &json!("wrong")));
    assert!(tokens["id_token"].as_str().unwrap().ends_with('.'));
    assert_eq!(tokens["token_type"], "bearer");
    let discovery = shop.endpoint("/.well-known/openid-configuration");
    assert_eq!(
        shop.browser.fetch("GET", &discovery).await.json()["issuer"],
        "https://evil.example"
    );

    shop.provider.heal();
    let redirect = shop.browser.navigate(&shop.authorize_url(&[])).await;
    assert!(parameter(&redirect, "iss").is_some());
}

#[tokio::test]
async fn further_routes_can_issue_tokens() {
    let provider = Provider::builder()
        .user("anna", "secret")
        .routes(|mint| {
            let answer = async move || axum::Json(mint.issue_tokens("anna").to_json());
            axum::Router::new().route("/legacy/token", axum::routing::post(answer))
        })
        .start()
        .await;
    let browser = cloakroom_testkit::Browser::new();
    let url = format!("{}/legacy/token", provider.issuer());
    let tokens = browser.fetch("POST", &url).await.json();
    let claims = provider.mint().verify(tokens["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(claims["sub"], "anna");
}
