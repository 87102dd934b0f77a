//! `iss`, `aud` and the times (R57, R59).

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{
        Algorithm, AudienceRule, Expectation, IssuerRule, JwtError, MAX_LEEWAY, TokenKind,
        VerifiedClaims, json::JsonError, peek_session_name, verify,
    },
    CLIENT, ISSUER, NOW, access_claims, expect, id_claims, logout_claims, seconds,
    signer::Signer,
    with,
};

fn judge(kind: TokenKind, claims: &Value) -> Result<VerifiedClaims, JwtError> {
    judge_with(&expect(kind), claims)
}

fn judge_with(expect: &Expectation<'_>, claims: &Value) -> Result<VerifiedClaims, JwtError> {
    let signer = Signer::of(Algorithm::EdDsa);
    verify(&signer.sign(claims), &signer.key_set(), expect, NOW)
}

fn id_with(name: &str, value: Value) -> Result<VerifiedClaims, JwtError> {
    judge(TokenKind::IdToken, &with(id_claims(), |claims| claims[name] = value))
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn r57_exp_must_be_a_sane_number_in_the_future() {
    let now = seconds();
    for (exp, expected) in [
        (json!("9999"), JwtError::WrongType("exp")),
        (json!(now.to_string()), JwtError::WrongType("exp")),
        (json!(null), JwtError::WrongType("exp")),
        (json!([now + 300]), JwtError::WrongType("exp")),
        (json!(true), JwtError::WrongType("exp")),
        (json!(-1), JwtError::TimeRange("exp")),
        (json!(-0.5), JwtError::TimeRange("exp")),
        (json!(i64::MIN), JwtError::TimeRange("exp")),
        (json!(u64::MAX), JwtError::TimeRange("exp")),
        (json!(1e300), JwtError::TimeRange("exp")),
        (json!(now * 1000), JwtError::TimeRange("exp")),
        (json!(0), JwtError::Expired),
        (json!(now - 31), JwtError::Expired),
        (json!(now - 30), JwtError::Expired),
    ] {
        assert_eq!(id_with("exp", exp.clone()).unwrap_err(), expected, "{exp}");
    }
    assert!(id_with("exp", json!(now - 29)).is_ok(), "within the leeway");
    assert!(id_with("exp", json!(now as f64 + 0.25)).is_ok(), "fractions are allowed");
    assert!(id_with("exp", json!(253_402_300_799_u64)).is_ok());
    for (kind, claims) in
        [(TokenKind::IdToken, id_claims()), (TokenKind::AccessToken, access_claims())]
    {
        let verdict = judge(kind, &without(claims, "exp"));
        assert_eq!(verdict.unwrap_err(), JwtError::Missing("exp"), "{kind:?}");
    }
}

/// As they stand in the token, for no JSON library writes them.
#[test]
fn r57_numbers_without_a_value() {
    let signer = Signer::of(Algorithm::EdDsa);
    let header = signer.header().to_string();
    let claims = id_claims().to_string();
    for name in ["exp", "nbf", "iat"] {
        let number = without(id_claims(), name).to_string();
        let open = number.trim_end_matches('}');
        for odd in
            ["1e400", "-1e400", "NaN", "Infinity", "0x7fffffff", "01800000300", "+1800000300"]
        {
            let token =
                signer.sign_raw(header.as_bytes(), format!("{open},\"{name}\":{odd}}}").as_bytes());
            let verdict = verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW);
            assert_eq!(verdict.unwrap_err(), JwtError::Json(JsonError::Malformed), "{name} {odd}");
        }
        for (odd, error) in [
            ("1e30", JwtError::TimeRange(name)),
            ("-1", JwtError::TimeRange(name)),
            ("18446744073709551616", JwtError::TimeRange(name)),
            ("340282366920938463463374607431768211456", JwtError::TimeRange(name)),
        ] {
            let token =
                signer.sign_raw(header.as_bytes(), format!("{open},\"{name}\":{odd}}}").as_bytes());
            let verdict = verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW);
            assert_eq!(verdict.unwrap_err(), error, "{name} {odd}");
        }
    }
    // The counterpart: written in the same way, a good one is good.
    let token = signer.sign_raw(header.as_bytes(), claims.as_bytes());
    assert!(verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW).is_ok());
}

#[test]
fn r57_nothing_from_the_future() {
    let now = seconds();
    for (name, error) in [("nbf", JwtError::NotYetValid), ("iat", JwtError::IssuedInFuture)] {
        assert_eq!(id_with(name, json!(now + 31)).unwrap_err(), error);
        assert!(id_with(name, json!(now + 30)).is_ok(), "within the leeway");
        assert_eq!(id_with(name, json!("0")).unwrap_err(), JwtError::WrongType(name));
        assert_eq!(id_with(name, json!(-1)).unwrap_err(), JwtError::TimeRange(name));
        assert_eq!(id_with(name, json!(null)).unwrap_err(), JwtError::WrongType(name));
    }
}

#[test]
fn r57_leeway_is_bounded() {
    let generous =
        Expectation { leeway: Duration::from_secs(86_400), ..expect(TokenKind::IdToken) };
    let late = |by| with(id_claims(), |claims| claims["exp"] = json!(seconds() - by));
    assert!(judge_with(&generous, &late(MAX_LEEWAY.as_secs() - 1)).is_ok());
    assert_eq!(judge_with(&generous, &late(MAX_LEEWAY.as_secs())).unwrap_err(), JwtError::Expired);
    let none = Expectation { leeway: Duration::ZERO, ..expect(TokenKind::IdToken) };
    assert_eq!(judge_with(&none, &late(0)).unwrap_err(), JwtError::Expired);
}

/// Providers write logout tokens without `exp`: then, and for all of them, `iat` says how old is too old.
#[test]
fn r57_a_logout_token_counts_no_longer_than_an_hour() {
    let judge = |exp: Option<u64>, age: u64| {
        let claims = with(without(logout_claims(), "exp"), |claims| {
            claims["iat"] = json!(seconds() - age);
            if let Some(exp) = exp {
                claims["exp"] = json!(exp);
            }
        });
        judge(TokenKind::LogoutToken, &claims).map(|claims| claims.expires_at())
    };
    let hour_from = |age: u64| Ok(NOW.plus(Duration::from_secs(3600 - age)));
    assert_eq!(judge(None, 0), hour_from(0));
    assert_eq!(judge(None, 3599), hour_from(3599));
    assert_eq!(judge(None, 3600 + 30), Err(JwtError::Expired));
    assert_eq!(judge(Some(seconds() + 86_400), 60), hour_from(60));
    assert_eq!(judge(Some(seconds() + 86_400), 3600 + 30), Err(JwtError::Expired));
    assert_eq!(judge(Some(seconds() + 120), 60), Ok(NOW.plus(Duration::from_secs(120))));
    assert_eq!(judge(Some(seconds() - 30), 60), Err(JwtError::Expired));
    let odd = with(logout_claims(), |claims| claims["exp"] = json!("soon"));
    let verdict = self::judge(TokenKind::LogoutToken, &odd);
    assert_eq!(verdict.unwrap_err(), JwtError::WrongType("exp"));
}

#[test]
fn the_issuer_is_compared_byte_for_byte() {
    for iss in [
        format!("{ISSUER}/"),
        ISSUER.to_uppercase(),
        ISSUER.replace("https", "http"),
        format!("{ISSUER} "),
        "https://evil.example".to_owned(),
        String::new(),
    ] {
        assert_eq!(id_with("iss", json!(iss)).unwrap_err(), JwtError::Issuer, "{iss}");
    }
    assert_eq!(id_with("iss", json!([ISSUER])).unwrap_err(), JwtError::WrongType("iss"));
    let verdict = judge(TokenKind::IdToken, &without(id_claims(), "iss"));
    assert_eq!(verdict.unwrap_err(), JwtError::Missing("iss"));
}

#[test]
fn r59_the_audience_must_name_us() {
    for aud in [json!("shop-web "), json!("shop"), json!("SHOP-WEB"), json!([]), json!(["x", "y"])]
    {
        assert_eq!(id_with("aud", aud.clone()).unwrap_err(), JwtError::Audience, "{aud}");
    }
    for aud in [json!(null), json!(1), json!({}), json!([CLIENT, 1]), json!([[CLIENT]])] {
        assert_eq!(id_with("aud", aud.clone()).unwrap_err(), JwtError::WrongType("aud"), "{aud}");
    }
    let verdict = judge(TokenKind::IdToken, &without(id_claims(), "aud"));
    assert_eq!(verdict.unwrap_err(), JwtError::Missing("aud"));
    let several = id_with("aud", json!(["x", CLIENT])).unwrap();
    assert_eq!(several.audiences().collect::<Vec<_>>(), ["x", CLIENT]);
    let one = id_with("aud", json!(CLIENT)).unwrap();
    assert_eq!(one.audiences().collect::<Vec<_>>(), [CLIENT]);
    let wanted = ["https://api.example.com".to_owned(), "https://other.example.com".to_owned()];
    let of = |wanted| Expectation {
        audience: AudienceRule::IncludesOneOf(wanted),
        ..expect(TokenKind::AccessToken)
    };
    assert!(judge_with(&of(&wanted), &access_claims()).is_ok());
    assert_eq!(judge_with(&of(&wanted[1..]), &access_claims()).unwrap_err(), JwtError::Audience);
    assert_eq!(judge_with(&of(&[]), &access_claims()).unwrap_err(), JwtError::Audience);
}

/// The named weaker rules, for services whose tokens have no `iss`.
#[test]
fn a_token_without_issuer_only_where_the_rule_says_so() {
    let judge = |issuer, claims: &Value| {
        let expect = Expectation { issuer, ..expect(TokenKind::AccessToken) };
        judge_with(&expect, claims).map(|claims| claims.issuer().map(str::to_owned))
    };
    let named = access_claims();
    let other = with(access_claims(), |claims| claims["iss"] = json!("https://evil.example"));
    let nameless = without(access_claims(), "iss");
    let ours = Ok(Some(ISSUER.to_owned()));
    assert_eq!(judge(IssuerRule::Is(ISSUER), &named), ours);
    assert_eq!(judge(IssuerRule::Is(ISSUER), &other), Err(JwtError::Issuer));
    assert_eq!(judge(IssuerRule::Is(ISSUER), &nameless), Err(JwtError::Missing("iss")));
    assert_eq!(judge(IssuerRule::AbsentOrIs(ISSUER), &named), ours);
    assert_eq!(judge(IssuerRule::AbsentOrIs(ISSUER), &other), Err(JwtError::Issuer));
    assert_eq!(judge(IssuerRule::AbsentOrIs(ISSUER), &nameless), Ok(None));
    assert_eq!(judge(IssuerRule::Absent, &named), Err(JwtError::Issuer));
    assert_eq!(judge(IssuerRule::Absent, &nameless), Ok(None));
    for rule in [IssuerRule::Is(ISSUER), IssuerRule::AbsentOrIs(ISSUER), IssuerRule::Absent] {
        for odd in [json!(null), json!(7), json!([ISSUER])] {
            let odd = with(access_claims(), |claims| claims["iss"] = odd.clone());
            assert_eq!(judge(rule, &odd), Err(JwtError::WrongType("iss")), "{rule:?}");
        }
    }
}

/// The named weaker rules, for services whose tokens have no `aud`; one that is for somebody else is
/// refused under all of them.
#[test]
fn r59_a_token_without_audience_only_where_the_rule_says_so() {
    const API: &str = "https://api.example.com";
    let judge = |audience, claims: &Value| {
        let expect = Expectation { audience, ..expect(TokenKind::AccessToken) };
        judge_with(&expect, claims).map(|claims| claims.audiences().count())
    };
    let ours = access_claims();
    let other = with(access_claims(), |claims| claims["aud"] = json!("https://other.example.com"));
    let nobody = with(access_claims(), |claims| claims["aud"] = json!([]));
    let nameless = without(access_claims(), "aud");
    let list = [API.to_owned()];
    for rule in [AudienceRule::Includes(API), AudienceRule::IncludesOneOf(&list)] {
        assert_eq!(judge(rule, &ours), Ok(1));
        assert_eq!(judge(rule, &other), Err(JwtError::Audience));
        assert_eq!(judge(rule, &nobody), Err(JwtError::Audience));
        assert_eq!(judge(rule, &nameless), Err(JwtError::Missing("aud")));
    }
    assert_eq!(judge(AudienceRule::AbsentOrIncludes(API), &ours), Ok(1));
    assert_eq!(judge(AudienceRule::AbsentOrIncludes(API), &nameless), Ok(0));
    assert_eq!(judge(AudienceRule::Absent, &ours), Err(JwtError::Audience));
    assert_eq!(judge(AudienceRule::Absent, &nameless), Ok(0));
    for rule in [AudienceRule::AbsentOrIncludes(API), AudienceRule::Absent] {
        assert_eq!(judge(rule, &other), Err(JwtError::Audience), "{rule:?}");
        assert_eq!(judge(rule, &nobody), Err(JwtError::Audience), "{rule:?}");
        for odd in [json!(null), json!(7), json!([API, 7])] {
            let odd = with(access_claims(), |claims| claims["aud"] = odd.clone());
            assert_eq!(judge(rule, &odd), Err(JwtError::WrongType("aud")), "{rule:?}");
        }
    }
}

#[test]
fn each_kind_has_its_own_required_claims() {
    for (kind, claims, name) in [
        (TokenKind::IdToken, id_claims(), "sub"),
        (TokenKind::IdToken, id_claims(), "iat"),
        (TokenKind::LogoutToken, logout_claims(), "iat"),
        (TokenKind::LogoutToken, logout_claims(), "jti"),
        (TokenKind::LogoutToken, logout_claims(), "sub"),
    ] {
        let verdict = judge(kind, &without(claims, name));
        assert_eq!(verdict.unwrap_err(), JwtError::Missing(name), "{kind:?}");
    }
    let by_sid = with(without(logout_claims(), "sub"), |claims| claims["sid"] = json!("s-1"));
    assert!(judge(TokenKind::LogoutToken, &by_sid).is_ok());
    for (name, odd, error) in [
        ("sid", json!(7), JwtError::WrongType("sid")),
        ("sid", json!(null), JwtError::WrongType("sid")),
        ("sid", json!(""), JwtError::Missing("sid")),
        ("jti", json!(7), JwtError::WrongType("jti")),
        ("jti", json!(""), JwtError::Missing("jti")),
    ] {
        let claims = with(logout_claims(), |claims| claims[name] = odd.clone());
        let verdict = judge(TokenKind::LogoutToken, &claims);
        assert_eq!(verdict.unwrap_err(), error, "{name}: {odd}");
    }
    assert_eq!(id_with("sub", json!("")).unwrap_err(), JwtError::Missing("sub"));
    assert_eq!(id_with("sub", json!(7)).unwrap_err(), JwtError::WrongType("sub"));
    let no_user = judge(TokenKind::AccessToken, &without(access_claims(), "sub")).unwrap();
    assert_eq!(no_user.subject(), None, "a machine's token has no user");
}

/// R41: what a session without an id of its own is known by, to the CSRF token too: it stays over a
/// refresh, and no two users share it.
#[test]
fn r41_the_name_of_a_login_is_its_users_and_lasts() {
    let signer = Signer::of(Algorithm::EdDsa);
    let name = |claims: Value| peek_session_name(&signer.sign(&claims)).unwrap();
    let anna =
        json!({ "iss": "a", "sub": "anna", "sid": "1", "exp": 1, "jti": "x", "roles": ["b"] });
    assert_eq!(
        name(anna.clone()),
        name(json!({ "iss": "a", "sub": "anna", "sid": "1", "exp": 2 }))
    );
    for other in [
        json!({ "iss": "a", "sub": "anna", "sid": "2" }),
        json!({ "iss": "a", "sub": "ben", "sid": "1" }),
        json!({ "iss": "b", "sub": "anna", "sid": "1" }),
        json!({ "iss": "a", "sub": "1", "sid": "anna" }),
        json!({ "sub": "anna", "sid": "1" }),
    ] {
        assert_ne!(name(anna.clone()), name(other.clone()), "{other}");
    }
    // A login service of one's own may call its users as it likes.
    let own = |id: u32, exp: u32| json!({ "id": id, "username": "x", "iat": exp, "exp": exp });
    assert_eq!(name(own(1, 10)), name(own(1, 20)));
    assert_eq!(name(own(1, 10)), name(json!({ "exp": 5, "username": "x", "jti": "y", "id": 1 })));
    assert_ne!(name(own(1, 10)), name(own(2, 10)));
}
