//! R51–R59: a token is believed only when its signature is ours and a second, slower reading of its
//! header and claims agrees.
//!
//! The first line of the input is a token as an attacker sends it. The second and third are a header
//! and claims that are signed here, so that what lies behind the signature is reached too.

#![no_main]

use std::sync::OnceLock;

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    jwt::{
        Algorithm, AudienceRule, DEFAULT_LEEWAY, Expectation, IssuerRule, KeySet, TokenKind, verify,
    },
    time::Timestamp,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://login.example.org";
const AUDIENCE: &str = "api";
const KINDS: [TokenKind; 3] = [TokenKind::AccessToken, TokenKind::IdToken, TokenKind::LogoutToken];
const SECRET: &[u8; 32] = b"\x8f\x11\xc2\x59\x03\xee\x70\x4a\xb5\x2d\x96\xfa\x1c\x67\xd8\x33\
    \x05\xaa\x9e\x41\xf7\x18\x6b\xd2\x3c\x90\xe4\x57\x0d\xb1\x7e\xc8";

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let (attack, header, claims) = (lines.next(), lines.next(), lines.next());
    if let Some(token) = attack.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
        for signer in signers() {
            let believed = KINDS.iter().any(|kind| signer.believes(token, *kind, false));
            assert!(!believed, "nobody but us can sign");
        }
    }
    let (Some(header), Some(claims)) = (header, claims) else { return };
    for signer in signers() {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let token = format!("{signed}.{}", encode(&signer.sign(signed.as_bytes())));
        for strict in [true, false] {
            let believed: Vec<_> = KINDS
                .into_iter()
                .filter(|kind| signer.believes(&token, *kind, strict))
                .inspect(|kind| agree(header, claims, signer, *kind, strict))
                .collect();
            // R58: no token is a logout token and something else.
            assert!(!believed.contains(&TokenKind::LogoutToken) || believed.len() == 1);
        }
        // Signed for one of us, it is nothing to the other, whatever its header says.
        for other in signers().iter().filter(|other| other.algorithm != signer.algorithm) {
            assert!(!KINDS.iter().any(|kind| other.believes(&token, *kind, false)));
        }
        // One character of it changed, and it is no longer ours.
        let flip = input.len() % signed.len();
        let other = if token.as_bytes()[flip] == b'A' { "B" } else { "A" };
        let forged = format!("{}{other}{}", &token[..flip], &token[flip + 1..]);
        assert!(!KINDS.iter().any(|kind| signer.believes(&forged, *kind, false)));
    }
});

struct Signer {
    algorithm: Algorithm,
    keys: KeySet,
}

impl Signer {
    /// `strict`: the issuer and the audience must be named, and not only fit where they are.
    fn believes(&self, token: &str, kind: TokenKind, strict: bool) -> bool {
        let (issuer, audience) = match strict {
            true => (IssuerRule::Is(ISSUER), AudienceRule::Includes(AUDIENCE)),
            false => (IssuerRule::AbsentOrIs(ISSUER), AudienceRule::AbsentOrIncludes(AUDIENCE)),
        };
        // The other's algorithm is expected too: the key is for its own alone (R51).
        let algorithms = &[Algorithm::EdDsa, Algorithm::Hs256];
        let expect = Expectation { issuer, audience, algorithms, kind, leeway: DEFAULT_LEEWAY };
        verify(token, &self.keys, &expect, Timestamp::from_unix_seconds(NOW)).is_ok()
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        match self.algorithm {
            Algorithm::EdDsa => pair().sign(signed).as_ref().to_vec(),
            _ => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed).as_ref().to_vec(),
        }
    }
}

/// What must be true of everything that is believed.
fn agree(header: &[u8], claims: &[u8], signer: &Signer, kind: TokenKind, strict: bool) {
    let header: Value = serde_json::from_slice(header).expect("a believed header is JSON");
    let claims: Value = serde_json::from_slice(claims).expect("believed claims are JSON");
    assert_eq!(header["alg"], signer.algorithm.name());
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    if signer.algorithm == Algorithm::EdDsa {
        assert!(header.get("kid").is_none_or(|kid| kid == "fuzz"));
    }
    let typ = header["typ"].as_str().unwrap_or("jwt").to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    let allowed: &[&str] = match kind {
        TokenKind::AccessToken => &["jwt", "at+jwt"],
        TokenKind::IdToken => &["jwt"],
        TokenKind::LogoutToken => &["jwt", "logout+jwt"],
    };
    assert!(allowed.contains(&typ), "{typ}");
    let weaker = |claim: &str| !strict && claims.get(claim).is_none();
    assert!(claims["iss"] == ISSUER || weaker("iss"));
    let named = |list: &Vec<Value>| list.iter().any(|one| one == AUDIENCE);
    let audience = &claims["aud"];
    let fits = *audience == AUDIENCE || audience.as_array().is_some_and(named);
    assert!(fits || weaker("aud"));
    let leeway = DEFAULT_LEEWAY.as_secs_f64();
    let exp = claims["exp"].as_f64().expect("exp is a number");
    assert!(exp.is_finite() && exp + leeway >= NOW as f64);
    for not_yet in ["nbf", "iat"] {
        if let Some(time) = claims.get(not_yet) {
            let latest = NOW as f64 + leeway + 0.001; // whole milliseconds
            assert!(time.as_f64().expect("a number") <= latest, "{not_yet}");
        }
    }
}

fn pair() -> &'static Ed25519KeyPair {
    static PAIR: OnceLock<Ed25519KeyPair> = OnceLock::new();
    // The same in every run, so that a finding can be run again.
    PAIR.get_or_init(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
}

fn signers() -> &'static [Signer; 2] {
    static SIGNERS: OnceLock<[Signer; 2]> = OnceLock::new();
    SIGNERS.get_or_init(|| {
        let x = encode(pair().public_key().as_ref());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "fuzz", "alg": "EdDSA", "x": x });
        let public = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        let shared = KeySet::from_shared_secret(SECRET, Algorithm::Hs256).unwrap();
        [
            Signer { algorithm: Algorithm::EdDsa, keys: public },
            Signer { algorithm: Algorithm::Hs256, keys: shared },
        ]
    })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
