//! What is sent: the authorization URL, client authentication, revocation, logout.

use base64::{Engine, engine::general_purpose::STANDARD};
use cloakroom_core::{return_to::ReturnTo, secret::Token, session::TokenSet};
use http::{Method, header};

use super::{
    CLIENT_ID, CLIENT_SECRET, Counting, NOW, client, metadata, parameter, parameters, query_of,
    start,
};
use crate::{
    Client, ClientAuth, Metadata, begin, end_session_url, is_reserved_parameter, jwks_request,
    refresh_request, revocation_requests,
};

fn token_set() -> TokenSet {
    TokenSet {
        access_token: Token::new("access-1"),
        refresh_token: Some(Token::new("refresh-1")),
        id_token: Some(Token::new("a.b.c")),
        obtained_at: NOW,
        expires_at: None,
    }
}

#[test]
fn r2_r4_r5_each_login_has_its_own_secrets() {
    let random = Counting::default();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let (transaction, url) = begin(
            &client(),
            "default",
            super::REDIRECT_URI,
            &metadata(),
            ReturnTo::root(),
            NOW,
            &random,
        );
        let query = query_of(&url);
        for name in ["state", "nonce", "code_challenge"] {
            let value = parameter(&query, name).unwrap();
            assert_eq!(value.len(), 43, "256 bits");
            assert!(seen.insert(value.to_owned()), "{name} came before");
        }
        assert!(seen.insert(transaction.verifier().expose().to_owned()));
        assert!(!url.contains(transaction.verifier().expose()), "the verifier stays here");
    }
}

/// RFC 7636 appendix B.
#[test]
fn r2_the_challenge_of_the_standard() {
    let (transaction, _) = start();
    let mut cookie = serde_json::to_value(&transaction).unwrap();
    cookie["verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
    let transaction: crate::Transaction = serde_json::from_value(cookie).unwrap();
    assert_eq!(transaction.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn the_authorization_url_takes_more_parameters_but_not_ours() {
    let extended = Client {
        resource: Some("https://api.example.com".to_owned()),
        authorize_params: [
            ("prompt", "consent"),
            ("login_hint", "a&b=c#d"),
            ("state", "fixed"),
            ("redirect_uri", "https://evil.example"),
            ("code_challenge_method", "plain"),
            ("response_mode", "fragment"),
            ("request", "eyJ"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..client()
    };
    let (_, url) = begin(
        &extended,
        "default",
        super::REDIRECT_URI,
        &metadata(),
        ReturnTo::root(),
        NOW,
        &Counting::default(),
    );
    let query = query_of(&url);
    assert_eq!(parameter(&query, "prompt"), Some("consent"));
    assert_eq!(parameter(&query, "login_hint"), Some("a&b=c#d"));
    assert_eq!(parameter(&query, "resource"), Some("https://api.example.com"));
    assert_ne!(parameter(&query, "state"), Some("fixed"));
    assert_eq!(parameter(&query, "code_challenge_method"), Some("S256"));
    assert_eq!(parameter(&query, "redirect_uri"), Some(super::REDIRECT_URI));
    assert_eq!(parameter(&query, "response_mode"), None);
    assert_eq!(parameter(&query, "request"), None);
    assert!(is_reserved_parameter("nonce") && !is_reserved_parameter("prompt"));

    let asking = crate::asking_who_is_there(&url);
    let changed = query_of(&asking);
    assert_eq!(parameter(&changed, "prompt"), Some("login"));
    let others = |query: &[(String, String)]| -> Vec<_> {
        query.iter().filter(|(name, _)| name != "prompt").cloned().collect()
    };
    assert_eq!(others(&changed), others(&query));
}

#[test]
fn a_client_proves_itself_in_one_way() {
    let send = |auth| {
        let client =
            Client { auth, resource: Some("https://api.example.com".to_owned()), ..client() };
        let request = refresh_request(&client, &metadata(), &Token::new("r & t"));
        let form = parameters(std::str::from_utf8(request.body()).unwrap());
        assert_eq!(parameter(&form, "refresh_token"), Some("r & t"));
        assert_eq!(parameter(&form, "resource"), Some("https://api.example.com"));
        let basic = request.headers().get(header::AUTHORIZATION).cloned();
        (form, basic)
    };
    let secret = || Token::new(CLIENT_SECRET);
    let (form, basic) = send(ClientAuth::Basic(secret()));
    let basic = basic.unwrap();
    assert!(basic.is_sensitive());
    let pair = STANDARD.decode(&basic.as_bytes()[6..]).unwrap();
    // RFC 6749 §2.3.1: form-encoded first.
    assert_eq!(pair, b"shop-web:s3cret%3A+mit+%C3%9Cmlaut+%26+%2B%25");
    assert_eq!(parameter(&form, "client_secret"), None);
    assert_eq!(parameter(&form, "client_id"), None);

    let (form, basic) = send(ClientAuth::Post(secret()));
    assert!(basic.is_none());
    assert_eq!(parameter(&form, "client_secret"), Some(CLIENT_SECRET));
    assert_eq!(parameter(&form, "client_id"), Some(CLIENT_ID));

    let (form, basic) = send(ClientAuth::None);
    assert!(basic.is_none());
    assert_eq!(parameter(&form, "client_secret"), None);
    assert_eq!(parameter(&form, "client_id"), Some(CLIENT_ID));
}

#[test]
fn a_get_carries_no_secret() {
    let request = jwks_request(metadata().jwks_url());
    assert_eq!(request.method(), Method::GET);
    assert!(request.body().is_empty());
    assert!(!request.headers().contains_key(header::AUTHORIZATION));
    assert!(!request.headers().contains_key(header::ACCEPT_ENCODING));
}

#[test]
fn r17_the_refresh_token_is_revoked_first() {
    let tokens_of = |tokens: &TokenSet| -> Vec<String> {
        let requests = revocation_requests(&client(), &metadata(), tokens);
        let bodies = requests.iter().map(|request| std::str::from_utf8(request.body()).unwrap());
        bodies.map(|body| parameter(&parameters(body), "token").unwrap().to_owned()).collect()
    };
    assert_eq!(tokens_of(&token_set()), ["refresh-1", "access-1"]);
    assert_eq!(tokens_of(&TokenSet { refresh_token: None, ..token_set() }), ["access-1"]);
    let silent = Metadata { revocation_endpoint: None, ..metadata() };
    assert!(revocation_requests(&client(), &silent, &token_set()).is_empty());
}

#[test]
fn r47_the_way_to_the_providers_logout() {
    let url = |hint: Option<&Token>| {
        end_session_url(&client(), &metadata(), hint, super::LOGGED_OUT_URI, "s&t")
    };
    let query = query_of(&url(Some(&Token::new("a.b.c"))).unwrap());
    assert_eq!(parameter(&query, "id_token_hint"), Some("a.b.c"));
    assert_eq!(parameter(&query, "state"), Some("s&t"));
    assert_eq!(parameter(&query, "client_id"), Some(CLIENT_ID));
    assert_eq!(parameter(&query, "post_logout_redirect_uri"), Some(super::LOGGED_OUT_URI));
    assert_eq!(parameter(&query_of(&url(None).unwrap()), "id_token_hint"), None);
    let long = Token::new("x".repeat(7000));
    assert_eq!(parameter(&query_of(&url(Some(&long)).unwrap()), "id_token_hint"), None);
    let silent = Metadata { end_session_endpoint: None, ..metadata() };
    assert_eq!(end_session_url(&client(), &silent, None, super::LOGGED_OUT_URI, "s"), None);
}
