//! What counts as a bearer.

use http::HeaderValue;

use super::presented;
use crate::reason::Reason;

fn token(values: &[&str]) -> Result<Option<String>, Reason> {
    let values: Vec<_> =
        values.iter().map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap()).collect();
    presented(&values)
        .map(|token| token.map(|token| token.expose().to_owned()))
        .map_err(|refusal| refusal.reason())
}

#[test]
fn the_scheme_is_bearer_in_any_case_and_the_rest_is_the_token() {
    for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c"] {
        assert_eq!(token(&[value]), Ok(Some("a.b.c".to_owned())), "{value}");
    }
    assert_eq!(token(&["Bearer a.b.c, Bearer d.e.f"]), Ok(Some("a.b.c, Bearer d.e.f".to_owned())));
    assert_eq!(
        token(&["Bearer"]),
        Ok(Some(String::new())),
        "a bearer without a token is a bad one"
    );
}

#[test]
fn what_is_no_bearer_counts_as_absent() {
    for values in [&[][..], &["Basic YTpi"], &["Bearerx a.b.c"], &["DPoP a.b.c"], &["", "Basic x"]]
    {
        assert_eq!(token(values), Ok(None), "{values:?}");
    }
}

#[test]
fn r63_a_bearer_beside_another_authorization_is_no_well_formed_request() {
    for values in [
        &["Bearer a.b.c", "Bearer a.b.c"][..],
        &["Basic YTpi", "Bearer a.b.c"],
        &["Bearer a.b.c", ""],
    ] {
        assert_eq!(token(values), Err(Reason::BadRequest), "{values:?}");
    }
}

#[test]
fn r54_bytes_that_are_no_text_are_no_token() {
    let value = HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    assert_eq!(presented(&[value]).unwrap_err().reason(), Reason::InvalidToken);
}
