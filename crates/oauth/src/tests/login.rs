//! Whole logins between the two peers.

use std::time::Duration;

use cloakroom_core::{
    jwt::KeySet,
    key::Keyring,
    origin::PublicOrigin,
    return_to::{self, ReturnTo},
    seal::{Purpose, SealContext},
    secret::Token,
    session::TokenSet,
    time::Timestamp,
};

use super::{
    Counting, ISSUER, NOW, client, metadata,
    peer::{Answer, Peer},
};
use crate::{
    CallbackError, Code, IdClaims, IdTokenError, Metadata, TokenAnswer, TokenError, TokenErrorKind,
    Transaction, begin, code_request, discovery_request, end_session_url, judge_callback,
    judge_token_answer, jwks_request, refresh_request, revocation_requests, verify_id_token,
    verify_refreshed_id_token,
};

fn judge(answer: &Answer) -> Result<TokenAnswer, TokenError> {
    judge_token_answer(answer.status, &answer.headers, &answer.body)
}

fn keys(peer: &Peer) -> KeySet {
    KeySet::parse(&peer.jwks()).unwrap()
}

/// A browser with a login under way.
struct Browser {
    transaction: Transaction,
    url: String,
}

impl Browser {
    fn new(random: &Counting) -> Self {
        let (transaction, url) = begin(
            &client(),
            "default",
            super::REDIRECT_URI,
            &metadata(),
            ReturnTo::root(),
            NOW,
            random,
        );
        Self { transaction, url }
    }

    fn come_back(&self, query: &str, now: Timestamp) -> Result<Code, CallbackError> {
        judge_callback(&self.transaction, &client(), &metadata(), query, now)
    }

    fn log_in(&self, peer: &mut Peer, user: &str) -> (TokenSet, IdClaims) {
        let later = NOW.plus(Duration::from_secs(20));
        let query = peer.authorize(&self.url, user);
        let code = self.come_back(&query, later).unwrap();
        let request = code_request(&client(), &metadata(), &self.transaction, &code);
        let answer = judge(&peer.token(&request, later)).unwrap();
        let id_token = answer.id_token.clone().unwrap();
        let claims = self.verify(peer, &id_token, &answer.access_token, later).unwrap();
        (answer.into_token_set(None, later), claims)
    }

    fn verify(
        &self,
        peer: &Peer,
        id_token: &Token,
        access_token: &Token,
        now: Timestamp,
    ) -> Result<IdClaims, IdTokenError> {
        let (client, metadata, keys) = (client(), metadata(), keys(peer));
        verify_id_token(&client, &metadata, &keys, &self.transaction, id_token, access_token, now)
    }
}

#[test]
fn from_discovery_to_logout() {
    let mut peer = Peer::new();
    let discovery = discovery_request(ISSUER).unwrap();
    assert_eq!(discovery.uri().to_string(), format!("{ISSUER}/.well-known/openid-configuration"));
    let metadata = Metadata::parse(&client(), &peer.discovery()).unwrap();
    assert_eq!(jwks_request(metadata.jwks_url()).uri().to_string(), format!("{ISSUER}/jwks"));

    let browser = Browser::new(&Counting::default());
    let (tokens, claims) = browser.log_in(&mut peer, "alice");
    assert_eq!((claims.user().iss.as_str(), claims.user().sub.as_str()), (ISSUER, "alice"));
    assert_eq!(claims.sid(), Some("provider-session-1"));
    assert_eq!(tokens.expires_at, Some(tokens.obtained_at.plus(Duration::from_secs(300))));

    let later = NOW.plus(Duration::from_secs(290));
    let spent = tokens.refresh_token.clone().unwrap();
    let request = refresh_request(&client(), &metadata, &spent);
    let answer = judge(&peer.token(&request, later)).unwrap();
    let refreshed = verify_refreshed_id_token(
        &client(),
        &metadata,
        &keys(&peer),
        &claims.user(),
        answer.id_token.as_ref().unwrap(),
        &answer.access_token,
        later,
    );
    assert_eq!(refreshed.unwrap().user(), claims.user());
    let renewed = answer.into_token_set(Some(&tokens), later);
    assert_ne!(renewed.access_token, tokens.access_token);
    assert_ne!(renewed.refresh_token, tokens.refresh_token);

    for request in revocation_requests(&client(), &metadata, &renewed) {
        peer.revoke(&request);
    }
    let hints: Vec<_> = peer.revoked.iter().map(|(hint, _)| hint.as_str()).collect();
    assert_eq!(hints, ["refresh_token", "access_token"], "R17");
    let url = end_session_url(
        &client(),
        &metadata,
        renewed.id_token.as_ref(),
        super::LOGGED_OUT_URI,
        "st4te",
    )
    .unwrap();
    assert_eq!(peer.logout(&url), "st4te");

    let dead = renewed.refresh_token.unwrap();
    let error =
        judge(&peer.token(&refresh_request(&client(), &metadata, &dead), later)).unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::InvalidGrant);
}

#[test]
fn r4_several_tabs_log_in_at_once() {
    let (mut peer, random) = (Peer::new(), Counting::default());
    let tabs: Vec<_> = (0..5).map(|_| Browser::new(&random)).collect();
    let queries: Vec<_> = tabs.iter().map(|tab| peer.authorize(&tab.url, "alice")).collect();
    for (tab, query) in tabs.iter().zip(&queries).rev() {
        let code = tab.come_back(query, NOW).unwrap();
        let request = code_request(&client(), &metadata(), &tab.transaction, &code);
        assert!(judge(&peer.token(&request, NOW)).is_ok());
    }
}

/// Login CSRF: the attacker's code and state in the victim's browser.
#[test]
fn r4_a_foreign_state_is_refused() {
    let (mut peer, random) = (Peer::new(), Counting::default());
    let (victim, mallory) = (Browser::new(&random), Browser::new(&random));
    let query = peer.authorize(&mallory.url, "mallory");
    assert_eq!(victim.come_back(&query, NOW).unwrap_err(), CallbackError::WrongState);
}

/// Code injection: the attacker's code with the victim's own state. PKCE stops it at the provider.
#[test]
fn r2_an_injected_code_buys_nothing() {
    let (mut peer, random) = (Peer::new(), Counting::default());
    let (victim, mallory) = (Browser::new(&random), Browser::new(&random));
    let theirs = peer.authorize(&mallory.url, "mallory");
    let ours = peer.authorize(&victim.url, "alice");
    let code_of = |query: &str| query.split('&').next().unwrap().to_owned();
    let injected = ours.replace(&code_of(&ours), &code_of(&theirs));
    let code = victim.come_back(&injected, NOW).unwrap();
    let request = code_request(&client(), &metadata(), &victim.transaction, &code);
    let error = judge(&peer.token(&request, NOW)).unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::InvalidGrant);
}

/// The same against a provider that does not check PKCE: the nonce stops it here (R5).
#[test]
fn r5_the_tokens_of_another_login_are_refused() {
    let (mut peer, random) = (Peer::new(), Counting::default());
    let (victim, mallory) = (Browser::new(&random), Browser::new(&random));
    let query = peer.authorize(&mallory.url, "mallory");
    let code = mallory.come_back(&query, NOW).unwrap();
    let request = code_request(&client(), &metadata(), &mallory.transaction, &code);
    let answer = judge(&peer.token(&request, NOW)).unwrap();
    let id_token = answer.id_token.unwrap();
    let verdict = victim.verify(&peer, &id_token, &answer.access_token, NOW);
    assert_eq!(verdict.unwrap_err(), IdTokenError::Nonce);
}

#[test]
fn a_replayed_callback_buys_nothing() {
    let mut peer = Peer::new();
    let browser = Browser::new(&Counting::default());
    let query = peer.authorize(&browser.url, "alice");
    let code = browser.come_back(&query, NOW).unwrap();
    let request = code_request(&client(), &metadata(), &browser.transaction, &code);
    assert!(judge(&peer.token(&request, NOW)).is_ok());
    let error = judge(&peer.token(&request, NOW)).unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::InvalidGrant);
}

#[test]
fn r53_a_rotated_key_asks_for_a_refetch() {
    let mut peer = Peer::new();
    let old_keys = keys(&peer);
    peer.rotate_key();
    let browser = Browser::new(&Counting::default());
    let query = peer.authorize(&browser.url, "alice");
    let code = browser.come_back(&query, NOW).unwrap();
    let request = code_request(&client(), &metadata(), &browser.transaction, &code);
    let answer = judge(&peer.token(&request, NOW)).unwrap();
    let id_token = answer.id_token.unwrap();
    let (client, metadata, transaction) = (client(), metadata(), &browser.transaction);
    let verify = |keys: &KeySet| {
        verify_id_token(&client, &metadata, keys, transaction, &id_token, &answer.access_token, NOW)
    };
    assert!(verify(&old_keys).unwrap_err().refetch_may_help());
    assert!(verify(&keys(&peer)).is_ok());
}

/// The transaction goes through the cookie and back, and fits it (R23) however long the way back is.
#[test]
fn a_transaction_survives_the_cookie() {
    let origin = PublicOrigin::new(&"https://shop.example.com".parse().unwrap()).unwrap();
    let longest = format!("/{}", "x".repeat(return_to::MAX_BYTES - 1));
    let longest = ReturnTo::parse(&longest, &origin).unwrap();
    let random = Counting::default();
    let (transaction, _) =
        begin(&client(), "default", super::REDIRECT_URI, &metadata(), longest, NOW, &random);
    let plain = serde_json::to_vec(&transaction).unwrap();
    assert_eq!(serde_json::from_slice::<Transaction>(&plain).unwrap(), transaction);
    let context =
        SealContext { purpose: Purpose::LoginTransaction, name: b"__Host-session", secret: &[] };
    let sealed = Keyring::generate(&random).seal(&random, &context, &plain);
    let cookie = sealed.len().div_ceil(3) * 4;
    assert!(cookie < 4096 - 256, "{cookie} characters, and a name and attributes");
}
