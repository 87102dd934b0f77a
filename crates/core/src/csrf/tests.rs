use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::{CsrfRefusal, CsrfRule, is_token_of, token};
use crate::{key::Keyring, random::Counted, session::RecordId};

fn session(number: u8) -> RecordId {
    RecordId::hash(b"test", &[number])
}

fn keyring(seed: u64) -> Keyring {
    Keyring::generate(&Counted::from(seed))
}

fn rule() -> CsrfRule {
    CsrfRule::Header(HeaderName::from_static("x-xsrf-token"))
}

fn with(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("x-xsrf-token", HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn an_unsafe_request_brings_a_token_of_its_session_once_r41() {
    let (keyring, random) = (keyring(1), Counted::from(100));
    let good = token(&keyring, &session(1), &random);
    let good = good.expose();
    let other = token(&keyring, &session(2), &random);
    let check = |method: &Method, values: &[&str]| {
        rule().check(&keyring, method, &with(values), &session(1)).map(|_| ())
    };
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        assert_eq!(check(&method, &[good]), Ok(()));
        assert_eq!(check(&method, &[]), Err(CsrfRefusal::Missing));
        assert_eq!(check(&method, &[good, good]), Err(CsrfRefusal::Several));
        for wrong in ["", "null", "undefined", other.expose(), &good[1..], &format!("{good}=")] {
            assert_eq!(check(&method, &[wrong]), Err(CsrfRefusal::Invalid), "{wrong}");
        }
    }
    let unknown = Method::from_bytes(b"PURGE").unwrap();
    assert_eq!(check(&unknown, &[]), Err(CsrfRefusal::Missing));
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        assert_eq!(check(&method, &[]), Ok(()), "{method}");
    }
}

#[test]
fn where_no_token_is_asked_none_is_needed() {
    let checked = CsrfRule::NotAsked.check(&keyring(1), &Method::POST, &with(&[]), &session(1));
    assert!(checked.is_ok());
}

/// Each tab may have its own; none makes another one stale.
#[test]
fn all_tokens_of_a_session_are_good_together_r41() {
    let (keyring, random) = (keyring(1), Counted::from(100));
    let tokens: Vec<_> = (0..8).map(|_| token(&keyring, &session(1), &random)).collect();
    for (at, one) in tokens.iter().enumerate() {
        assert!(is_token_of(&keyring, &session(1), one.expose().as_bytes()));
        assert!(!tokens[..at].contains(one), "two tokens are the same");
    }
}

#[test]
fn an_older_key_still_verifies_and_a_removed_one_no_longer_r41() {
    let (old, new) = (keyring(1), keyring(2));
    let random = Counted::from(100);
    let made = token(&old, &session(1), &random);
    let both = Keyring::parse(&format!("{}\n{}", &*new.to_text(), &*old.to_text())).unwrap();
    assert!(is_token_of(&both, &session(1), made.expose().as_bytes()));
    assert!(!is_token_of(&new, &session(1), made.expose().as_bytes()));
}

/// What was made as one session's token is no other's, whatever part of two tokens is joined.
#[test]
fn parts_of_two_tokens_make_no_third_r41() {
    let (keyring, random) = (keyring(1), Counted::from(100));
    let decode =
        |number| URL_SAFE_NO_PAD.decode(token(&keyring, &session(number), &random).expose());
    let (mine, theirs) = (decode(1).unwrap(), decode(2).unwrap());
    for cut in 1..mine.len() {
        let joined = [&mine[..cut], &theirs[cut..]].concat();
        // Up to the random bytes nothing of the first is left: the whole is the second's.
        let is_theirs = joined == theirs;
        let text = URL_SAFE_NO_PAD.encode(joined);
        assert!(!is_token_of(&keyring, &session(1), text.as_bytes()), "{cut}");
        assert_eq!(is_token_of(&keyring, &session(2), text.as_bytes()), is_theirs, "{cut}");
    }
}

#[test]
fn the_token_is_hidden_from_debug_r72() {
    let made = token(&keyring(1), &session(1), &Counted::from(100));
    assert!(!format!("{made:?}").contains(made.expose()));
    assert_eq!(made.expose().len(), 70);
}

proptest! {
    /// One changed, missing or added byte and it is no token.
    #[test]
    fn a_changed_token_is_none_r41(at in any::<prop::sample::Index>(), bit in 0..8_u32, add in any::<u8>()) {
        let keyring = keyring(1);
        let made = token(&keyring, &session(1), &Counted::from(100));
        let bytes = URL_SAFE_NO_PAD.decode(made.expose()).unwrap();
        let at = at.index(bytes.len());
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let mut longer = bytes.clone();
        longer.insert(at, add);
        for changed in [&flipped[..], &bytes[..at], &bytes[at + 1..], &longer] {
            let text = URL_SAFE_NO_PAD.encode(changed);
            prop_assert!(!is_token_of(&keyring, &session(1), text.as_bytes()));
        }
    }

    #[test]
    fn no_text_is_a_token(text in prop::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(!is_token_of(&keyring(1), &session(1), &text));
    }
}
