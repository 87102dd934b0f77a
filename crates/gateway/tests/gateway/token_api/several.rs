//! R7: several providers of both kinds in one gateway, chosen by path or by `?provider=`.

use cloakroom_testkit::{
    Browser, Gateway, GatewayConfig, LoginService, Provider, Upstream, eventually,
};
use serde_json::json;

use crate::world::{PASSWORD, USERS, assert_login_required, binary, with_users};

#[tokio::test]
async fn r7_an_openid_provider_and_two_login_services_side_by_side() {
    let provider = with_users(Provider::builder()).start().await;
    let upstream = Upstream::start(&provider).await;
    let (shop, staff) = (LoginService::start().await, LoginService::start().await);
    let service = |name: &str, service: &LoginService, login: &str| {
        let url = service.url();
        format!(
            "kind = 'token_api'
             name = '{name}'
             login = '{login}'
             tokens = {{ access = '/token', refresh = '/refreshToken' }}
             claims = '/user'
             logout = {{ url = '{url}/api/logout', headers = {{ Authorization = 'Bearer {{access_token}}' }} }}"
        )
    };
    let config = GatewayConfig::new(&provider, &upstream.url())
        .provider(&service("shop", &shop, "/shop/api/login"))
        .provider(&service("staff", &staff, "/staff/api/login"))
        .route("/shop", &format!("upstream = '{}'", shop.url()))
        .route("/staff", &format!("upstream = '{}'", staff.url()));
    let gateway = Gateway::spawn(binary(), config).await;
    let browser = Browser::new();
    let session = async || browser.fetch("GET", &gateway.at("/auth/session")).await.json();

    // The path decides whose tokens are lifted.
    for (mount, user) in [("shop", "ben"), ("staff", "cleo")] {
        let fields = json!({ "username": user, "password": PASSWORD });
        let login = browser.request("POST", &gateway.at(&format!("/{mount}/api/login")));
        let answer = login.json(&fields).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json().get("token"), None);
        assert_eq!(session().await["claims"]["name"], user);
        let whoami = browser.fetch("GET", &gateway.at(&format!("/{mount}/api/whoami"))).await;
        assert_eq!(whoami.json()["sub"], user);
    }
    assert_eq!((shop.issued_secrets().len(), staff.issued_secrets().len()), (2, 2));
    browser.fetch("POST", &gateway.at("/auth/logout")).await;
    eventually("the service that the session is from knows", || staff.logouts() == 1).await;
    assert_eq!(shop.logouts(), 0);
    let page = browser.navigate(&gateway.at("/auth/login?provider=staff")).await;
    assert_eq!(page.status, 400, "{page:?}");

    // Without a choice a navigation leads to the OpenID provider.
    let navigation = browser.navigate(&gateway.at("/api/echo")).await;
    assert_eq!(navigation.status, 303, "{navigation:?}");
    browser.login(gateway.url(), USERS[0], PASSWORD, "/").await;
    assert_eq!(session().await["claims"]["sub"], "anna");
}

#[tokio::test]
async fn r7_a_login_at_one_provider_replaces_the_session_of_another() {
    let provider = with_users(Provider::builder()).start().await;
    let upstream = Upstream::start(&provider).await;
    let service = LoginService::start().await;
    let url = service.url();
    let settings = format!(
        "kind = 'token_api'
         name = 'shop'
         login = '/api/login'
         tokens = {{ access = '/token', refresh = '/refreshToken' }}
         claims = '/user'
         logout = {{ url = '{url}/api/logout', headers = {{ Authorization = 'Bearer {{access_token}}' }} }}"
    );
    let config = GatewayConfig::new(&provider, &upstream.url())
        .provider(&settings)
        .route("/api/login", &format!("upstream = '{url}'"))
        .route("/api/whoami", &format!("upstream = '{url}'"));
    let gateway = Gateway::spawn(binary(), config).await;
    let browser = Browser::new();
    browser.login(gateway.url(), USERS[0], PASSWORD, "/").await;
    let thief = browser.copy();
    let fields = json!({ "username": "ben", "password": PASSWORD });
    let login = browser.request("POST", &gateway.at("/api/login")).json(&fields).send().await;
    assert_eq!(login.status, 200, "{login:?}");
    let whoami = browser.fetch("GET", &gateway.at("/api/whoami")).await;
    assert_eq!(whoami.json()["sub"], "ben");
    assert_login_required(&thief.fetch("GET", &gateway.at("/api/whoami")).await);
    assert_eq!(provider.revocations(), 0, "what a login replaced is left to expire");

    // And back; a logout then goes to the provider that the session is from.
    browser.login(gateway.url(), USERS[0], PASSWORD, "/").await;
    let logout = browser.fetch("POST", &gateway.at("/auth/logout")).await.json();
    assert!(logout["location"].as_str().unwrap().starts_with("/auth/logout?ticket="), "{logout}");
    assert_eq!(service.logouts(), 0);
}
