//! What holds for every input.

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{Algorithm, TokenKind, peek_expiry, verify},
    NOW, expect, id_claims,
    signer::Signer,
    with,
};

proptest! {
    /// One changed character anywhere is enough: also in a part that nobody reads.
    #[test]
    fn no_changed_token_is_believed(at in 0_usize..4096, to in any::<char>(), rsa in any::<bool>()) {
        let signer = Signer::of(if rsa { Algorithm::Rs256 } else { Algorithm::EdDsa });
        let good = signer.sign(&id_claims());
        let at = at % good.len();
        let changed: String =
            good.chars().enumerate().map(|(i, old)| if i == at { to } else { old }).collect();
        prop_assume!(changed != good);
        prop_assert!(verify(&changed, &signer.key_set(), &expect(TokenKind::IdToken), NOW).is_err());
    }

    #[test]
    fn arbitrary_text_is_refused(text in any::<String>()) {
        let keys = Signer::of(Algorithm::Es256).key_set();
        prop_assert!(verify(&text, &keys, &expect(TokenKind::IdToken), NOW).is_err());
        prop_assert_eq!(peek_expiry(&text), None);
    }

    /// R72: whatever is planted in a token, no error repeats it.
    #[test]
    fn no_error_repeats_the_token(
        name in "(iss|aud|sub|exp|nbf|iat|events|alg|kid|typ|crit|x)",
        in_header in any::<bool>(),
        as_list in any::<bool>(),
        cut in 0_usize..400,
    ) {
        const PLANTED: &str = "PLANTED-SECRET-7f3a";
        let signer = Signer::of(Algorithm::EdDsa);
        let planted = if as_list { json!([PLANTED]) } else { json!(PLANTED) };
        let (mut header, mut claims) = (signer.header(), id_claims());
        claims["jti"] = json!(PLANTED);
        let part = if in_header { &mut header } else { &mut claims };
        part[&name] = planted;
        let mut token = signer.sign_with(&header, &claims);
        token.truncate(token.len().saturating_sub(cut.saturating_sub(200)));
        if let Err(error) = verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains("PLANTED"), "{}", text);
            for part in token.split('.').filter(|part| part.len() > 8) {
                prop_assert!(!text.contains(&part[..8]), "{}", text);
            }
        }
    }

    /// Times decide alone: a token is believed exactly between `nbf` and `exp`, give or take 30 s.
    #[test]
    fn r57_times_decide(nbf in -100_i64..100, exp in -100_i64..100) {
        let signer = Signer::of(Algorithm::EdDsa);
        let now = i64::try_from(super::seconds()).unwrap();
        let claims = with(id_claims(), |claims| {
            claims["nbf"] = json!(now + nbf);
            claims["exp"] = json!(now + exp);
        });
        let verdict = verify(&signer.sign(&claims), &signer.key_set(), &expect(TokenKind::IdToken), NOW);
        prop_assert_eq!(verdict.is_ok(), nbf <= 30 && exp > -30);
    }
}
