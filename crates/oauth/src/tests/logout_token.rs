//! Logout tokens: anybody may send one, only the provider can make it (R49, R51–R59).

use cloakroom_core::{
    jwt::{Algorithm, JwtError, KeySet},
    session::{ProviderSession, UserKey},
};
use serde_json::{Value, json};

use super::{CLIENT_ID, ISSUER, NOW, client, metadata, peer::Peer};
use crate::{LoggedOut, LogoutToken, Metadata, verify_logout_token};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// One change to claims that would be good.
type Change = fn(&mut Value);

struct Case {
    peer: Peer,
    keys: KeySet,
}

impl Case {
    fn new() -> Self {
        let peer = Peer::new();
        let keys = KeySet::parse(&peer.jwks()).unwrap();
        Self { peer, keys }
    }

    fn judge(&self, token: &str) -> Result<LogoutToken, JwtError> {
        verify_logout_token(&client(), &metadata(), &self.keys, token, NOW)
    }

    fn changed(&self, change: impl FnOnce(&mut Value)) -> Result<LogoutToken, JwtError> {
        let mut claims = Peer::logout_claims("alice", NOW);
        change(&mut claims);
        self.judge(&self.peer.sign_as("logout+jwt", &claims))
    }
}

fn without(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name).unwrap();
}

fn at_provider() -> LoggedOut {
    let (iss, sid) = (ISSUER.to_owned(), "provider-session-1".to_owned());
    LoggedOut::Session(ProviderSession { iss, sid })
}

fn all_of_alice() -> LoggedOut {
    LoggedOut::User(UserKey { iss: ISSUER.to_owned(), sub: "alice".to_owned() })
}

#[test]
fn r49_a_good_one_ends_the_session_that_it_names_else_all_of_its_user() {
    let case = Case::new();
    let both = case.changed(|_| {}).unwrap();
    assert_eq!((both.ends(), both.jti().as_str()), (at_provider(), "1"));
    assert_eq!(case.changed(|it| without(it, "sub")).unwrap().ends(), at_provider());
    assert_eq!(case.changed(|it| without(it, "sid")).unwrap().ends(), all_of_alice());
    assert!(!format!("{both:?}").contains("alice"), "R72");
}

/// What providers send: a proper type, `JWT` (Glewlwyd), none; several audiences; no `exp`; a fuller event.
#[test]
fn r49_what_real_providers_send_is_good() {
    let case = Case::new();
    let claims = Peer::logout_claims("alice", NOW);
    for typ in ["logout+jwt", "JWT", "application/logout+jwt", "Logout+JWT"] {
        assert!(case.judge(&case.peer.sign_as(typ, &claims)).is_ok(), "{typ}");
    }
    assert!(case.judge(&case.peer.sign_with(&json!({ "alg": "ES256" }), &claims)).is_ok());
    let variations: [(&str, Change); 6] = [
        ("several audiences", |it| it["aud"] = json!(["another-client", CLIENT_ID])),
        ("no exp", |it| without(it, "exp")),
        ("a member in the event", |it| it["events"][EVENT] = json!({ "by": "an administrator" })),
        ("another event too", |it| it["events"]["https://example.com/event"] = json!({})),
        ("Keycloak's claim", |it| it["typ"] = json!("Logout")),
        ("a clock a little ahead", |it| it["iat"] = json!(NOW.as_unix_seconds() + 30)),
    ];
    for (what, change) in variations {
        assert!(case.changed(change).is_ok(), "{what}");
    }
}

#[test]
fn r49_r58_no_other_kind_of_token_is_one() {
    let case = Case::new();
    let signed = |typ, claims: &Value| case.judge(&case.peer.sign_as(typ, claims)).unwrap_err();
    let id = Peer::id_claims("alice", Some("n"), NOW);
    assert_eq!(signed("JWT", &id), JwtError::Kind, "an ID Token");
    assert_eq!(signed("JWT", &Peer::id_claims("alice", None, NOW)), JwtError::Kind);
    let mut access = id.clone();
    access["jti"] = json!("1");
    without(&mut access, "nonce");
    assert_eq!(signed("at+jwt", &access), JwtError::Kind, "an access token");
    assert_eq!(signed("JWT", &access), JwtError::Kind);
    for typ in ["at+jwt", "secevent+jwt", "dpop+jwt", "JWS", ""] {
        assert_eq!(signed(typ, &Peer::logout_claims("alice", NOW)), JwtError::Kind, "{typ}");
    }
    for keycloak in ["ID", "Bearer", "Refresh", "Offline"] {
        let error = case.changed(|it| it["typ"] = json!(keycloak)).unwrap_err();
        assert_eq!(error, JwtError::Kind, "{keycloak}");
    }
}

#[test]
fn r49_a_nonce_or_another_event_and_it_is_none() {
    let refused: [(&str, Change); 10] = [
        ("a nonce", |it| it["nonce"] = json!("n")),
        ("a nonce of nothing", |it| it["nonce"] = json!(null)),
        ("no events", |it| without(it, "events")),
        ("events of nothing", |it| it["events"] = json!({})),
        ("events as a text", |it| it["events"] = json!(EVENT)),
        ("events as a list", |it| it["events"] = json!([EVENT])),
        ("another event", |it| it["events"] = json!({ format!("{EVENT}/"): {} })),
        ("by https", |it| it["events"] = json!({ EVENT.replace("http:", "https:"): {} })),
        ("an event that is no object", |it| it["events"][EVENT] = json!(true)),
        ("an event of nothing", |it| it["events"][EVENT] = json!(null)),
    ];
    let case = Case::new();
    for (what, change) in refused {
        assert_eq!(case.changed(change).unwrap_err(), JwtError::Kind, "{what}");
    }
}

#[test]
fn r49_it_must_be_ours_and_of_now() {
    let now = NOW.as_unix_seconds();
    let case = Case::new();
    for (name, value, error) in [
        ("iss", json!("https://evil.example"), JwtError::Issuer),
        ("iss", json!(format!("{ISSUER}/")), JwtError::Issuer),
        ("aud", json!("another-client"), JwtError::Audience),
        ("aud", json!([]), JwtError::Audience),
        ("iat", json!(now + 31), JwtError::IssuedInFuture),
        ("iat", json!(now - 3700), JwtError::Expired),
        ("iat", json!("now"), JwtError::WrongType("iat")),
        ("exp", json!(now - 30), JwtError::Expired),
        ("exp", json!("9999999999"), JwtError::WrongType("exp")),
        ("exp", json!(-1), JwtError::TimeRange("exp")),
        ("nbf", json!(now + 31), JwtError::NotYetValid),
        ("jti", json!(7), JwtError::WrongType("jti")),
        ("jti", json!(""), JwtError::Missing("jti")),
        // It names a session, if badly: that is no order to end all of the user's.
        ("sid", json!(7), JwtError::WrongType("sid")),
        ("sid", json!(""), JwtError::Missing("sid")),
        ("sub", json!(7), JwtError::WrongType("sub")),
        ("sub", json!(""), JwtError::Missing("sub")),
    ] {
        let verdict = case.changed(|it| it[name] = value.clone());
        assert_eq!(verdict.unwrap_err(), error, "{name}: {value}");
    }
    for name in ["iss", "aud", "iat", "jti"] {
        let error = case.changed(|it| without(it, name)).unwrap_err();
        assert_eq!(error, JwtError::Missing(name));
    }
    let of_nobody = case.changed(|it| {
        without(it, "sub");
        without(it, "sid");
    });
    assert_eq!(of_nobody.unwrap_err(), JwtError::Missing("sub"));
}

/// R51, R53: signed as ID Tokens are, by a key that the provider publishes.
#[test]
fn r51_only_the_providers_keys_and_algorithms() {
    let case = Case::new();
    let claims = Peer::logout_claims("alice", NOW);
    let token = case.peer.sign_as("logout+jwt", &claims);
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "logout+jwt" });
        let forged = case.peer.sign_with(&header, &claims);
        case.judge(&forged).unwrap_err()
    };
    for alg in ["none", "None", "HS256", "RS256", ""] {
        assert_eq!(unsigned(alg), JwtError::Algorithm, "{alg}");
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(case.judge(&format!("{signed}.")).unwrap_err(), JwtError::NotCompact);
    assert_eq!(case.judge("").unwrap_err(), JwtError::NotCompact);
    assert_eq!(case.judge(&"x".repeat(20_000)).unwrap_err(), JwtError::TooLong);
    let stranger = Peer::new().sign_as("logout+jwt", &claims);
    assert_eq!(case.judge(&stranger).unwrap_err(), JwtError::Signature);
    let mut rotated = Case::new();
    rotated.peer.rotate_key();
    let error = rotated.judge(&rotated.peer.sign_as("logout+jwt", &claims)).unwrap_err();
    assert!(error.refetch_may_help(), "{error:?}");
    let rs256 = Metadata { id_token_algorithms: vec![Algorithm::Rs256], ..metadata() };
    let verdict = verify_logout_token(&client(), &rs256, &case.keys, &token, NOW);
    assert_eq!(verdict.unwrap_err(), JwtError::Algorithm);
}

/// R49: remembered for as long as it would be believed, so that it counts once.
#[test]
fn r49_it_counts_until_nobody_would_believe_it() {
    let case = Case::new();
    for exp in [true, false] {
        let mut claims = Peer::logout_claims("alice", NOW);
        if !exp {
            without(&mut claims, "exp");
        }
        let token = case.peer.sign_as("logout+jwt", &claims);
        let until = case.judge(&token).unwrap().counts_until();
        let at = |now| verify_logout_token(&client(), &metadata(), &case.keys, &token, now);
        let second = std::time::Duration::from_secs(1);
        assert!(at(until.minus(second)).is_ok(), "{exp}");
        assert_eq!(at(until).unwrap_err(), JwtError::Expired, "{exp}");
    }
}
