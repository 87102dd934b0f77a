//! What chunks a browser may send, and what it may not.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::COOKIE};
use proptest::prelude::*;

use super::*;
use crate::cookie::{CookiePath, Lifetime, Prefix, SameSite};

fn name() -> CookieName {
    CookieName::host("session").unwrap()
}

fn attributes() -> Attributes {
    let lifetime = Lifetime::MaxAge(Duration::from_secs(60));
    Attributes { same_site: SameSite::Lax, lifetime, domain: None, path: CookiePath::ROOT }
}

/// Text of base64url, different in every place.
fn text(length: usize) -> String {
    (0..length)
        .map(|at| char::from(b"abcdefghijklmnopqrstuvwxyz012345"[(at / 7 + at) % 32]))
        .collect()
}

/// Name and value of each cookie that an answer sets or deletes.
fn pairs_of(cookies: &[HeaderValue]) -> Vec<(String, String)> {
    let pair = |cookie: &HeaderValue| {
        let text = cookie.to_str().unwrap().to_owned();
        let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    cookies.iter().map(pair).collect()
}

/// The cookies that are left in a browser which had none.
fn kept(value: &str) -> Vec<(String, String)> {
    let cookies = pairs_of(&set_chunked(&name(), value, &attributes()).unwrap());
    cookies.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn joined(cookies: &[(String, String)]) -> Joined {
    let mut headers = HeaderMap::new();
    for (name, value) in cookies {
        headers.append(COOKIE, HeaderValue::try_from(format!("{name}={value}")).unwrap());
    }
    join(&headers, &name())
}

fn whole(value: &str) -> Joined {
    Joined::Whole(Token::new(value))
}

#[test]
fn r23_no_chunk_is_larger_than_a_browser_keeps_and_all_but_the_last_are_full() {
    let full = 4096 - "__Host-session".len();
    let behind = full - "-1".len();
    for (length, expected) in [
        (1, vec![1]),
        (full, vec![full]),
        (full + 1, vec![full, 1]),
        (full + behind, vec![full, behind]),
        (full + 2 * behind, vec![full, behind, behind]),
    ] {
        let value = text(length);
        let cookies = kept(&value);
        let lengths: Vec<_> = cookies.iter().map(|(_, value)| value.len()).collect();
        assert_eq!(lengths, expected);
        assert!(cookies.iter().all(|(name, value)| name.len() + value.len() <= 4096));
        assert_eq!(count(&name(), length), Some(expected.len()));
        assert_eq!(joined(&cookies), whole(&value));
    }
    let longest = longest(&name());
    assert_eq!(longest, full + 2 * behind);
    assert_eq!(count(&name(), longest + 1), None);
    let refused = set_chunked(&name(), &text(longest + 1), &attributes());
    assert_eq!(refused, Err(SetCookieError::TooLarge(longest + 1)));
    // Well below the 16 KB of cookies that the gate lets through.
    assert!(longest < 13 * 1024);
}

#[test]
fn r29_an_answer_writes_every_name_so_that_no_stale_chunk_is_left() {
    for length in [10, 5000, 9000] {
        let cookies = set_chunked(&name(), &text(length), &attributes()).unwrap();
        let pairs = pairs_of(&cookies);
        let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["__Host-session", "__Host-session-1", "__Host-session-2"], "R25 too");
        for (cookie, (_, value)) in cookies.iter().zip(&pairs) {
            let deleted = cookie.to_str().unwrap().ends_with("Max-Age=0");
            assert_eq!(deleted, value.is_empty());
        }
    }
    let deleted = expire_chunked(&name(), &attributes());
    assert_eq!(deleted.len(), MAX_CHUNKS);
    assert!(deleted.iter().all(|cookie| cookie.to_str().unwrap().ends_with("Max-Age=0")));
}

#[test]
fn r29_missing_extra_duplicate_and_resized_chunks_make_no_value() {
    let value = text(9000);
    let all = kept(&value);
    assert_eq!(all.len(), 3);
    let without = |index: usize| {
        let mut cookies = all.clone();
        cookies.remove(index);
        joined(&cookies)
    };
    assert_eq!(without(0), Joined::Broken(ChunkFault::Missing));
    assert_eq!(without(1), Joined::Broken(ChunkFault::Missing));
    // What is left looks whole; that it is not, the seal knows: the count is inside.
    assert!(matches!(without(2), Joined::Whole(cut) if value.starts_with(cut.expose())));

    let with = |name: &str, value: &str| {
        let mut cookies = all.clone();
        cookies.push((name.to_owned(), value.to_owned()));
        joined(&cookies)
    };
    assert_eq!(with("__Host-session-1", "x"), Joined::Broken(ChunkFault::Duplicate));
    for extra in ["-3", "-0", "-01", "-10", "-99999999999999999999999"] {
        let extra = with(&format!("__Host-session{extra}"), "x");
        assert_eq!(extra, Joined::Broken(ChunkFault::Extra));
    }
    // Others of the family are not chunks.
    for other in ["-", "-x", "-1x", "-login-1", "1", "-+1", "- 1"] {
        assert_eq!(with(&format!("__Host-session{other}"), "x"), whole(&value), "{other}");
    }

    for (index, changed) in [(0, "short".to_owned()), (1, all[1].1.clone() + "x")] {
        let mut cookies = all.clone();
        cookies[index].1 = changed;
        assert_eq!(joined(&cookies), Joined::Broken(ChunkFault::Size));
    }
    let empty = [("__Host-session".to_owned(), String::new())];
    assert_eq!(joined(&empty), Joined::Broken(ChunkFault::Size));
    assert_eq!(joined(&[]), Joined::Absent);
}

#[test]
fn bytes_moved_from_chunk_to_chunk_are_another_size() {
    let mut cookies = kept(&text(5000));
    let moved = cookies[0].1.pop().unwrap();
    cookies[1].1.insert(0, moved);
    assert_eq!(joined(&cookies), Joined::Broken(ChunkFault::Size));
}

#[test]
fn a_name_of_another_prefix_has_room_of_its_own() {
    let path = CookiePath::parse("/auth/refresh").unwrap();
    let attributes = Attributes { path, ..attributes() };
    let name = CookieName::new(Prefix::Secure, "session-refresh").unwrap();
    let value = text(6000);
    let cookies = set_chunked(&name, &value, &attributes).unwrap();
    let cookies: Vec<_> =
        pairs_of(&cookies).into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let mut headers = HeaderMap::new();
    for (name, value) in &cookies {
        headers.append(COOKIE, HeaderValue::try_from(format!("{name}={value}")).unwrap());
    }
    assert_eq!(join(&headers, &name), whole(&value));
    assert!(cookies.iter().all(|(name, value)| name.len() + value.len() <= 4096));
}

proptest! {
    /// Whatever the order, the header fields and the foreign cookies between them.
    #[test]
    fn what_was_split_joins(
        length in 1_usize..12_200,
        order in Just([0_usize, 1, 2]).prop_shuffle(),
        one_header in any::<bool>(),
    ) {
        let value = text(length);
        let cookies = kept(&value);
        let ordered = order.iter().filter_map(|index| cookies.get(*index));
        let mut parts = vec!["theme=dark".to_owned()];
        for (name, value) in ordered {
            parts.push(format!("{name}={value}"));
            parts.push("__Host-session2=x".to_owned());
        }
        let mut headers = HeaderMap::new();
        if one_header {
            headers.append(COOKIE, HeaderValue::try_from(parts.join("; ")).unwrap());
        } else {
            for part in parts {
                headers.append(COOKIE, HeaderValue::try_from(part).unwrap());
            }
        }
        prop_assert_eq!(join(&headers, &name()), whole(&value));
    }

    /// Any cookies at all: no panic, and what is whole splits into the very same again.
    #[test]
    fn whatever_joins_is_as_it_would_be_split(
        cookies in prop::collection::vec(
            ("(-[0-3]|-01|)", prop_oneof![Just(1), Just(4080), Just(4082), 0_usize..5000]), 0..5),
    ) {
        let cookies: Vec<_> = cookies
            .into_iter()
            .map(|(suffix, length)| (format!("__Host-session{suffix}"), text(length)))
            .collect();
        if let Joined::Whole(value) = joined(&cookies) {
            let mut sorted = cookies.clone();
            sorted.sort();
            prop_assert_eq!(kept(value.expose()), sorted);
        }
    }
}
