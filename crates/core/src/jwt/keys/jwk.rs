//! One key of a JWK Set (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{
    Key, Name,
    material::{Material, PublicKey},
};
use crate::jwt::Algorithm;

/// The key, where it is fit to verify with.
pub(super) fn read(jwk: &Map<String, Value>) -> Option<Key> {
    if jwk.get("use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    if let Some(operations) = jwk.get("key_ops")
        && !operations.as_array()?.iter().any(|operation| operation == "verify")
    {
        return None;
    }
    let name = match jwk.get("kid") {
        None => Name::Nameless,
        Some(kid) => Name::Kid(kid.as_str()?.to_owned()),
    };
    let public_key = public_key(jwk)?;
    let algorithm = match jwk.get("alg") {
        None => public_key.native_algorithm(),
        Some(alg) => Algorithm::from_name(alg.as_str()?)?,
    };
    let material = Material::public(algorithm, &public_key)?;
    Some(Key { name, algorithm, material })
}

fn public_key(jwk: &Map<String, Value>) -> Option<PublicKey> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    match (text("kty")?, text("crv")) {
        ("RSA", _) => Some(PublicKey::Rsa { modulus: bytes("n")?, exponent: bytes("e")? }),
        ("EC", Some("P-256")) => point(Algorithm::Es256, &bytes("x")?, &bytes("y")?, 32),
        ("EC", Some("P-384")) => point(Algorithm::Es384, &bytes("x")?, &bytes("y")?, 48),
        ("EC", Some("P-521")) => point(Algorithm::Es512, &bytes("x")?, &bytes("y")?, 66),
        ("OKP", Some("Ed25519")) => Some(PublicKey::Curve(Algorithm::EdDsa, bytes("x")?)),
        _ => None,
    }
}

fn point(algorithm: Algorithm, x: &[u8], y: &[u8], coordinate: usize) -> Option<PublicKey> {
    (x.len() == coordinate && y.len() == coordinate)
        .then(|| PublicKey::Curve(algorithm, [&[4], x, y].concat()))
}
