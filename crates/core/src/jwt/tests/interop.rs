//! Keys and tokens of every algorithm that npm's jose 6.2 made, on OpenSSL: another implementation and
//! another crypto library than those of the other tests.

use serde_json::{Value, json};

use super::{
    super::{Algorithm, Expectation, JwtError, KeySet, TokenKind, verify},
    NOW, expect,
};

#[test]
fn tokens_of_another_implementation_are_believed() {
    let made: Vec<Value> = serde_json::from_str(include_str!("interop.json")).unwrap();
    assert_eq!(made.len(), Algorithm::ALL.len());
    for algorithm in Algorithm::ALL {
        let one = made.iter().find(|one| one["alg"] == algorithm.name()).unwrap();
        let token = one["token"].as_str().unwrap();
        let sets = match one["secret"].as_str() {
            Some(secret) => {
                vec![KeySet::from_shared_secret(secret.as_bytes(), algorithm).unwrap()]
            }
            None => vec![
                KeySet::parse(json!({ "keys": [one["jwk"]] }).to_string().as_bytes()).unwrap(),
                KeySet::from_pem(one["pem"].as_str().unwrap().as_bytes(), Some(algorithm)).unwrap(),
            ],
        };
        for keys in sets {
            let only = [algorithm];
            let expect = Expectation { algorithms: &only, ..expect(TokenKind::IdToken) };
            let judge = |token: &str| verify(token, &keys, &expect, NOW);
            assert_eq!(judge(token).unwrap().subject(), Some("f:1:alice"), "{algorithm:?}");
            // The first character of the signature is another: the counterpart.
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let first = if signature.starts_with('A') { 'B' } else { 'A' };
            let forged = format!("{signed}.{first}{}", &signature[1..]);
            assert_eq!(judge(&forged).unwrap_err(), JwtError::Signature, "{algorithm:?}");
        }
    }
}
