//! Remembered tokens get the answers that they would get anyway.

use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{
        Algorithm, AudienceRule, Expectation, IssuerRule, JwtError, KeySet, TokenKind,
        VerifiedTokens, verify,
    },
    CLIENT, ISSUER, NOW, access_claims, expect, id_claims, seconds,
    signer::{Signer, key_set},
    with,
};
use crate::time::Timestamp;

fn at(seconds_later: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds_later))
}

#[test]
fn a_known_token_is_not_judged_again() {
    let signer = Signer::of(Algorithm::Es256);
    let (token, keys) = (signer.sign(&id_claims()), signer.key_set());
    let tokens = VerifiedTokens::default();
    let ask = |now| tokens.verify(&token, &keys, &expect(TokenKind::IdToken), now).unwrap();
    let first = ask(NOW);
    assert_eq!(first.subject(), Some("f:1:alice"));
    for later in [0, 1, 200] {
        assert!(Arc::ptr_eq(&first, &ask(at(later))), "the same claims, not equal ones");
    }
    // The same keys, read again, are the same keys.
    let again = tokens.verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
}

#[test]
fn r57_a_remembered_token_dies_on_time() {
    let signer = Signer::of(Algorithm::Es256);
    let claims = with(id_claims(), |claims| claims["nbf"] = json!(seconds()));
    let (token, keys) = (signer.sign(&claims), signer.key_set());
    let tokens = VerifiedTokens::default();
    let ask = |now, leeway| {
        let expect = Expectation { leeway, ..expect(TokenKind::IdToken) };
        tokens.verify(&token, &keys, &expect, now).map(|_| ())
    };
    let (none, half_a_minute) = (Duration::ZERO, Duration::from_secs(30));
    assert_eq!(ask(NOW, half_a_minute), Ok(()));
    assert_eq!(ask(at(299), none), Ok(()));
    assert_eq!(ask(at(300), none), Err(JwtError::Expired));
    assert_eq!(ask(at(329), half_a_minute), Ok(()), "judged by the asker's leeway");
    assert_eq!(ask(at(330), half_a_minute), Err(JwtError::Expired));
    assert_eq!(ask(at(330), Duration::from_secs(86_400)), Ok(()));
    assert_eq!(ask(at(600), Duration::from_secs(86_400)), Err(JwtError::Expired));
    // And a clock that is set back makes it one from the future again.
    assert_eq!(ask(NOW, none), Ok(()));
    assert_eq!(ask(NOW.minus(Duration::from_secs(1)), none), Err(JwtError::NotYetValid));
}

#[test]
fn r52_another_key_set_asks_for_the_signature_again() {
    let signer = Signer::of(Algorithm::Es256);
    let token = signer.sign(&id_claims());
    let tokens = VerifiedTokens::default();
    let ask =
        |keys: &KeySet| tokens.verify(&token, keys, &expect(TokenKind::IdToken), NOW).map(|_| ());
    assert_eq!(ask(&signer.key_set()), Ok(()));
    assert_eq!(ask(&KeySet::default()), Err(JwtError::UnknownKey), "the key was withdrawn");
    assert_eq!(ask(&Signer::fresh(Algorithm::Es256).key_set()), Err(JwtError::Signature));
    let renamed = with(signer.jwk(), |jwk| jwk["kid"] = json!("key-2"));
    assert_eq!(ask(&key_set(&[renamed])), Err(JwtError::UnknownKey));
    let nameless = with(signer.jwk(), |jwk| drop(jwk.as_object_mut().unwrap().remove("kid")));
    assert_eq!(ask(&key_set(std::slice::from_ref(&nameless))), Err(JwtError::UnknownKey));
    let only_key = signer.public_key_pem();
    assert_eq!(ask(&KeySet::from_pem(only_key.as_bytes(), None).unwrap()), Ok(()));
    assert_eq!(ask(&key_set(&[nameless])), Err(JwtError::UnknownKey));
    assert_eq!(ask(&signer.key_set()), Ok(()));

    let secret = |secret: &[u8]| KeySet::from_shared_secret(secret, Algorithm::Hs256).unwrap();
    let signer = Signer::of(Algorithm::Hs256);
    let token = signer.sign(&id_claims());
    let hs256 = Expectation { algorithms: &[Algorithm::Hs256], ..expect(TokenKind::IdToken) };
    assert!(tokens.verify(&token, &signer.key_set(), &hs256, NOW).is_ok());
    let other = secret(b"kT4wz9BxQ1mPv7Rs3LdYc8HnJf5GuAe2Zi6Xo0Ml");
    assert_eq!(tokens.verify(&token, &other, &hs256, NOW).unwrap_err(), JwtError::Signature);
}

/// What was believed under one rule is not believed under another, whatever their texts.
#[test]
fn every_expectation_is_another() {
    const API: &str = "https://api.example.com";
    let signer = Signer::of(Algorithm::EdDsa);
    let keys = signer.key_set();
    let list = [API.to_owned(), ISSUER.to_owned()];
    let issuers = [
        IssuerRule::Is(ISSUER),
        IssuerRule::Is(API),
        IssuerRule::AbsentOrIs(ISSUER),
        IssuerRule::AbsentOrIs("absent"),
        IssuerRule::Absent,
    ];
    let audiences = [
        AudienceRule::Includes(API),
        AudienceRule::Includes(CLIENT),
        AudienceRule::IncludesOneOf(&list),
        AudienceRule::IncludesOneOf(&list[1..]),
        AudienceRule::IncludesOneOf(&[]),
        AudienceRule::AbsentOrIncludes(API),
        AudienceRule::AbsentOrIncludes(""),
        AudienceRule::Absent,
    ];
    let algorithms: [&[Algorithm]; 4] =
        [&Algorithm::ALL, &[Algorithm::EdDsa], &[Algorithm::Rs256], &[]];
    let remove = |claims, name: &str| {
        with(claims, |claims| drop(claims.as_object_mut().unwrap().remove(name)))
    };
    let tokens = VerifiedTokens::default();
    let mut believed = 0;
    let claims = [
        access_claims(),
        id_claims(),
        remove(access_claims(), "iss"),
        remove(access_claims(), "aud"),
        remove(remove(access_claims(), "iss"), "aud"),
    ];
    // The second round asks everything of what the first one left.
    for claims in claims.iter().chain(&claims) {
        let token = signer.sign(claims);
        for issuer in issuers {
            for audience in audiences {
                for algorithms in algorithms {
                    for kind in [TokenKind::AccessToken, TokenKind::IdToken] {
                        let expect = Expectation {
                            issuer,
                            audience,
                            algorithms,
                            kind,
                            ..expect(TokenKind::AccessToken)
                        };
                        let fresh = verify(&token, &keys, &expect, NOW).map(|_| ());
                        believed += usize::from(fresh.is_ok());
                        let verdict = tokens.verify(&token, &keys, &expect, NOW).map(|_| ());
                        assert_eq!(verdict, fresh, "{expect:?}");
                    }
                }
            }
        }
    }
    assert!(believed > 20, "{believed}");
}

/// R71: whatever comes, the claims that are kept stay within the bound, and those in use stay.
#[test]
fn r71_the_memory_is_bounded() {
    const MAX: usize = 1024 * 1024;
    let signer = Signer::of(Algorithm::EdDsa);
    let keys = signer.key_set();
    let tokens = VerifiedTokens::bounded(MAX);
    let ask = |token: &str| tokens.verify(token, &keys, &expect(TokenKind::IdToken), NOW).unwrap();
    let numbered = |n: usize, filler: usize| {
        signer.sign(&with(id_claims(), |claims| {
            claims["n"] = json!(n);
            claims["filler"] = json!("x".repeat(filler));
        }))
    };
    let in_use = numbered(usize::MAX, 10);
    let kept = ask(&in_use);
    let mut most = 0;
    for n in 0..3000 {
        ask(&numbered(n, 1000 + n % 500));
        if n % 8 == 0 {
            assert!(Arc::ptr_eq(&kept, &ask(&in_use)), "{n}");
        }
        most = most.max(tokens.bytes());
    }
    assert!((MAX / 2..=MAX).contains(&most), "{most}");
    // Far too many members for one generation: believed, not kept.
    let bulky = signer.sign(&with(id_claims(), |claims| claims["list"] = json!(vec![0; 5000])));
    assert!(!Arc::ptr_eq(&ask(&bulky), &ask(&bulky)));
    assert!(tokens.bytes() <= MAX);
}

#[test]
fn what_was_refused_or_has_expired_is_not_kept() {
    let signer = Signer::of(Algorithm::EdDsa);
    let keys = signer.key_set();
    let tokens = VerifiedTokens::default();
    let ask = |token: &str, now| {
        tokens.verify(token, &keys, &expect(TokenKind::IdToken), now).map(|_| ())
    };
    let token = signer.sign(&id_claims());
    let forged = Signer::fresh(Algorithm::EdDsa).sign(&id_claims());
    assert_eq!(ask(&forged, NOW), Err(JwtError::Signature));
    assert_eq!(ask("x", NOW), Err(JwtError::NotCompact));
    assert_eq!(ask(&"x".repeat(1 << 20), NOW), Err(JwtError::TooLong));
    assert_eq!(tokens.bytes(), 0);
    assert_eq!(ask(&token, NOW), Ok(()));
    assert!(tokens.bytes() > 0);
    assert_eq!(ask(&token, at(400)), Err(JwtError::Expired));
    assert_eq!(tokens.bytes(), 0);
}

#[test]
fn many_threads_get_the_right_answers() {
    const THREADS: usize = 4;
    let signer = Signer::of(Algorithm::Es256);
    let keys = signer.key_set();
    let tokens = VerifiedTokens::bounded(1024 * 1024);
    let all: Vec<_> = (0..60)
        .map(|n| {
            let sub = format!("user-{n}");
            (signer.sign(&with(id_claims(), |claims| claims["sub"] = json!(sub))), sub)
        })
        .collect();
    let ask = |(token, sub): &(String, String)| {
        let claims = tokens.verify(token, &keys, &expect(TokenKind::IdToken), NOW).unwrap();
        assert_eq!(claims.subject(), Some(sub.as_str()));
    };
    let together = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for offset in 0..THREADS {
            let (all, ask, together) = (&all, &ask, &together);
            scope.spawn(move || {
                // All at the same token, which nobody knows yet; then each its own way.
                for one in all {
                    together.wait();
                    ask(one);
                }
                for n in 0..200 {
                    ask(&all[(n * 7 + offset) % all.len()]);
                }
            });
        }
    });
    assert!(tokens.bytes() <= 1024 * 1024, "and counted rightly");
}

/// R72.
#[test]
fn r72_debug_shows_no_claim() {
    let signer = Signer::of(Algorithm::Es256);
    let tokens = VerifiedTokens::default();
    tokens
        .verify(&signer.sign(&id_claims()), &signer.key_set(), &expect(TokenKind::IdToken), NOW)
        .unwrap();
    assert_eq!(format!("{tokens:?}"), "VerifiedTokens { .. }");
}

proptest! {
    /// In whatever order tokens, keys, rules and times come, also where there is room for few.
    #[test]
    fn r57_the_answers_are_those_of_verify(
        asks in prop::collection::vec((0_usize..6, 0_usize..3, 0_usize..2, 0_u64..900), 1..60),
        roomy in any::<bool>(),
    ) {
        let signer = Signer::of(Algorithm::EdDsa);
        let signed: Vec<_> = (0..6_u64)
            .map(|n| {
                signer.sign(&with(id_claims(), |claims| {
                    claims["exp"] = json!(seconds() + 100 * n);
                    claims["nbf"] = json!(seconds() + 60 * n);
                    claims["filler"] = json!("x".repeat(500));
                }))
            })
            .collect();
        let sets =
            [signer.key_set(), Signer::of(Algorithm::Es256).key_set(), KeySet::default()];
        let kinds = [TokenKind::IdToken, TokenKind::AccessToken];
        let tokens = VerifiedTokens::bounded(if roomy { 1 << 20 } else { 40_000 });
        for (token, keys, kind, later) in asks {
            let (token, keys, expect) = (&signed[token], &sets[keys], expect(kinds[kind]));
            let fresh = verify(token, keys, &expect, at(later));
            let known = tokens.verify(token, keys, &expect, at(later));
            prop_assert_eq!(
                known.map(|claims| claims.claims().clone()),
                fresh.map(|claims| claims.claims().clone())
            );
        }
    }
}
