//! R72: no token, code, verifier or secret in anything that can be printed.

use cloakroom_core::{jwt::KeySet, secret::Token};
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::json;

use super::{NOW, client, metadata, peer::Peer, start};
use crate::{
    CallbackQuery, ClientAuth, Metadata, judge_callback, judge_token_answer, verify_id_token,
};

const PLANTED: &str = "PLANTED-7f3a9c";

#[test]
fn debug_hides_what_is_secret() {
    let mut client = client();
    client.auth = ClientAuth::Post(Token::new(PLANTED));
    assert!(!format!("{client:?}").contains(PLANTED));

    let (transaction, url) = start();
    let shown = format!("{transaction:?}");
    let query = super::query_of(&url);
    for name in ["state", "nonce"] {
        assert!(!shown.contains(super::parameter(&query, name).unwrap()), "{name}");
    }
    assert!(!shown.contains(transaction.verifier().expose()));

    let state = super::parameter(&query, "state").unwrap();
    let callback = format!("code={PLANTED}&state={state}&iss={}", super::ISSUER);
    let code = judge_callback(&transaction, &client, &metadata(), &callback, NOW).unwrap();
    assert!(!format!("{code:?}").contains(PLANTED));

    let body = json!({
        "access_token": PLANTED, "token_type": "bearer", "refresh_token": PLANTED, "id_token": PLANTED,
    });
    let headers = HeaderMap::new();
    let answer = judge_token_answer(StatusCode::OK, &headers, body.to_string().as_bytes()).unwrap();
    assert!(!format!("{answer:?}").contains(PLANTED));
    assert!(!format!("{:?}", answer.into_token_set(None, NOW)).contains(PLANTED));
}

proptest! {
    #[test]
    fn no_callback_error_repeats_the_query(
        parts in prop::collection::vec(
            ("(code|state|iss|error|error_description|x)", "[a-z_]{0,12}"), 0..6
        ),
        own_state in any::<bool>(),
    ) {
        let (transaction, url) = start();
        let state = super::query_of(&url);
        let state = super::parameter(&state, "state").unwrap();
        let mut query = parts
            .iter()
            .map(|(name, value)| format!("{name}={PLANTED}{value}"))
            .collect::<Vec<_>>()
            .join("&");
        if own_state {
            query.push_str("&state=");
            query.push_str(state);
        }
        if let Err(error) = judge_callback(&transaction, &client(), &metadata(), &query, NOW) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains(PLANTED) && !text.contains(state), "{}", text);
        }
        if let Err(error) = CallbackQuery::parse(&query) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains(PLANTED), "{}", text);
        }
    }

    #[test]
    fn no_token_error_repeats_the_answer(
        status in 200_u16..600,
        name in "(access_token|refresh_token|id_token|token_type|error|error_description|x)",
        junk in "[ -~]{0,8}",
        as_json in any::<bool>(),
    ) {
        let body = if as_json {
            json!({ "error_description": PLANTED, name: format!("{PLANTED}{junk}") }).to_string()
        } else {
            format!("{PLANTED}{junk}")
        };
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", PLANTED.parse().unwrap());
        if let Err(error) = judge_token_answer(status, &headers, body.as_bytes()) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains(PLANTED), "{}", text);
        }
    }

    #[test]
    fn no_id_token_error_repeats_the_token(
        name in "(iss|aud|sub|exp|iat|nonce|azp|at_hash|sid|typ)",
        cut in 0_usize..64,
    ) {
        let peer = Peer::new();
        let (transaction, _) = start();
        let mut claims = Peer::id_claims(PLANTED, Some(PLANTED), NOW);
        claims[&name] = json!(PLANTED);
        let mut token = peer.sign(&claims);
        token.truncate(token.len() - cut);
        let (keys, access) = (KeySet::parse(&peer.jwks()).unwrap(), Token::new(PLANTED));
        let token = Token::new(token);
        let verdict =
            verify_id_token(&client(), &metadata(), &keys, &transaction, &token, &access, NOW);
        let error = verdict.unwrap_err();
        let text = format!("{error} {error:?}");
        prop_assert!(!text.contains(PLANTED), "{}", text);
        for part in token.expose().split('.') {
            prop_assert!(part.len() < 8 || !text.contains(&part[..8]), "{}", text);
        }
    }

    /// What a provider says of itself may be quoted, in one line and cut short.
    #[test]
    fn metadata_errors_are_one_short_line(issuer in any::<String>(), long in 0_usize..4000) {
        let mut document = Peer::document();
        document["issuer"] = json!(format!("{issuer}{}", "x".repeat(long)));
        let error = Metadata::parse(&client(), document.to_string().as_bytes()).unwrap_err();
        let text = error.to_string();
        prop_assert!(text.chars().all(|letter| !letter.is_control()), "{}", text);
        prop_assert!(text.len() < 4000);
    }
}
