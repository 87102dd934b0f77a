//! Changes to a good token, of whatever kind, after which nobody may believe it (R51–R59).

use cloakroom_testkit::provider::{Signature, UnsignedToken};
use serde_json::json;

pub(crate) type Change = fn(&mut UnsignedToken);

/// Each of these is one change to a token that would be good.
pub(crate) const FORGED: &[(&str, Change)] = &[
    ("no signature", |t| t.signature = Signature::Empty),
    ("another key", |t| t.signature = Signature::ForeignKey),
    ("alg none", |t| {
        t.header["alg"] = json!("none");
        t.signature = Signature::Empty;
    }),
    ("alg nOnE", |t| {
        t.header["alg"] = json!("nOnE");
        t.signature = Signature::Empty;
    }),
    ("alg none with a signature", |t| t.header["alg"] = json!("none")),
    ("HMAC with the public key", |t| {
        t.header["alg"] = json!("HS256");
        t.signature = Signature::HmacWithPublicKey;
    }),
    ("ES256 with an HMAC", |t| t.signature = Signature::HmacWithPublicKey),
    ("alg of another key type", |t| t.header["alg"] = json!("RS256")),
    ("jwk with another key", |t| {
        t.header["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
        t.signature = Signature::ForeignKey;
    }),
    ("jku with another key", |t| {
        t.header["jku"] = json!("http://127.0.0.1:1/jwks");
        t.signature = Signature::ForeignKey;
    }),
    ("kid of nobody", |t| t.header["kid"] = json!("../../etc/passwd")),
    ("crit not understood", |t| t.header["crit"] = json!(["exp2"])),
    ("typ of a logout token", |t| t.header["typ"] = json!("logout+jwt")),
    ("another issuer", |t| t.claims["iss"] = json!("https://evil.example")),
    ("issuer with a slash", |t| {
        let iss = format!("{}/", t.claims["iss"].as_str().expect("text"));
        t.claims["iss"] = json!(iss);
    }),
    ("no issuer", |t| without(t, "iss")),
    ("no audience", |t| without(t, "aud")),
    ("empty audience", |t| t.claims["aud"] = json!([])),
];

pub(crate) fn without(token: &mut UnsignedToken, claim: &str) {
    token.claims.as_object_mut().expect("an object").remove(claim);
}
