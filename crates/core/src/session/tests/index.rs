use crate::{
    key::Keyring,
    random::Counted,
    session::{ProviderSession, UserKey},
};

fn user(iss: &str, sub: &str) -> UserKey {
    UserKey { iss: iss.to_owned(), sub: sub.to_owned() }
}

fn keyrings() -> (Keyring, Keyring) {
    let line = |seed: u64| Keyring::generate(&Counted::from(seed)).to_line().to_string();
    let (old, new) = (line(1), line(2));
    let parse = |text: &str| Keyring::parse(text).unwrap();
    (parse(&old), parse(&format!("{new}\n{old}")))
}

#[test]
fn r33_a_user_is_found_over_a_rotation() {
    let (before, after) = keyrings();
    let anna = user("https://login.example.org", "anna");
    let filed = anna.index_key(&before).unwrap();
    let keys = anna.index_keys(&after);
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&filed), "what was filed before is found");
    assert_eq!(anna.index_key(&after), Some(keys[1]), "filed under the newest, looked under last");
    assert_ne!(keys[1], filed);
}

#[test]
fn r10_users_of_two_issuers_are_two() {
    let (keyring, _) = keyrings();
    let users = [("a", "bc"), ("ab", "c"), ("abc", "d"), ("b", "bc"), ("a", "BC"), ("", "abc")];
    let keys = users.map(|(iss, sub)| user(iss, sub).index_key(&keyring).unwrap());
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[at + 1..].contains(key), "{:?}", users[at]);
    }
}

/// Some login services do not say who logged in: nobody is everybody's other session.
#[test]
fn r33_who_is_not_named_is_not_filed() {
    let (_, keyring) = keyrings();
    let nobody = user("https://login.example.org", "");
    assert_eq!(nobody.index_key(&keyring), None);
    assert!(nobody.index_keys(&keyring).is_empty());
}

/// R49: what the provider ends ours by.
#[test]
fn r49_a_providers_session_is_found_over_a_rotation_and_is_no_user() {
    let (before, after) = keyrings();
    let at_provider = |iss: &str, sid: &str| {
        let session = ProviderSession { iss: iss.to_owned(), sid: sid.to_owned() };
        (session.index_key(&before), session.index_key(&after), session.index_keys(&after))
    };
    let (old, new, looked) = at_provider("https://login.example.org", "s-1");
    assert_eq!(looked, [old, new]);
    for (iss, sid) in [("https://login.example.org", "s-2"), ("https://login.example.or", "gs-1")] {
        let other = at_provider(iss, sid);
        assert!(other.0 != old && other.1 != new, "{iss} {sid}");
    }
    let namesake = user("https://login.example.org", "s-1");
    assert_ne!(namesake.index_key(&before), Some(old), "a user who is called like a session");
}
