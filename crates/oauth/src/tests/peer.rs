//! The other side: an OpenID provider as a value.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use cloakroom_core::time::Timestamp;
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    CLIENT_ID, CLIENT_SECRET, ISSUER, LOGGED_OUT_URI, REDIRECT_URI, parameter, parameters, query_of,
};

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

struct Grant {
    user: String,
    nonce: String,
    challenge: String,
}

/// Codes work once, refresh tokens rotate, reuse ends the family.
pub(super) struct Peer {
    key: EcdsaKeyPair,
    kid: String,
    codes: HashMap<String, Grant>,
    refresh_tokens: HashMap<String, String>,
    pub(super) revoked: Vec<(String, String)>,
    issued: usize,
}

impl Peer {
    pub(super) fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            kid: "peer-1".to_owned(),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
            revoked: Vec::new(),
            issued: 0,
        }
    }

    /// A new key under a new name, as after a rotation.
    pub(super) fn rotate_key(&mut self) {
        self.key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        self.kid.push('\'');
    }

    pub(super) fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize?theme=dark"),
            "token_endpoint": format!("{ISSUER}/token"),
            "jwks_uri": format!("{ISSUER}/jwks"),
            "revocation_endpoint": format!("{ISSUER}/revoke"),
            "end_session_endpoint": format!("{ISSUER}/logout"),
            "response_types_supported": ["code", "id_token"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "id_token_signing_alg_values_supported": ["HS256", "ES256", "none"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    pub(super) fn discovery(&self) -> Vec<u8> {
        Self::document().to_string().into_bytes()
    }

    pub(super) fn jwks(&self) -> Vec<u8> {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let encode = |part| URL_SAFE_NO_PAD.encode(part);
        let key = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.kid,
            "x": encode(x), "y": encode(y),
        });
        json!({ "keys": [key] }).to_string().into_bytes()
    }

    /// The login page, once `user` has typed the password: the query of the callback.
    pub(super) fn authorize(&mut self, url: &str, user: &str) -> String {
        assert!(url.starts_with(&format!("{ISSUER}/authorize?theme=dark&")), "its query stays");
        let query = query_of(url);
        let query = |name| parameter(&query, name);
        assert_eq!(query("response_type"), Some("code"));
        assert_eq!(query("client_id"), Some(CLIENT_ID));
        assert_eq!(query("redirect_uri"), Some(REDIRECT_URI));
        assert_eq!(query("code_challenge_method"), Some("S256"));
        assert!(query("scope").unwrap().split(' ').any(|scope| scope == "openid"));
        let code = self.name("code");
        let grant = Grant {
            user: user.to_owned(),
            nonce: query("nonce").unwrap().to_owned(),
            challenge: query("code_challenge").unwrap().to_owned(),
        };
        self.codes.insert(code.clone(), grant);
        form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", query("state").unwrap())
            .append_pair("iss", ISSUER)
            .finish()
    }

    pub(super) fn token(&mut self, request: &Request<Bytes>, now: Timestamp) -> Answer {
        assert_eq!(request.uri().to_string(), format!("{ISSUER}/token"));
        let form = judge_form(request);
        let form = |name| parameter(&form, name);
        match form("grant_type").unwrap() {
            "authorization_code" => {
                assert_eq!(form("redirect_uri"), Some(REDIRECT_URI));
                let Some(grant) = self.codes.remove(form("code").unwrap()) else {
                    return refuse("invalid_grant");
                };
                let verifier = form("code_verifier").unwrap();
                let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
                if URL_SAFE_NO_PAD.encode(hash) != grant.challenge {
                    return refuse("invalid_grant");
                }
                self.grant(&grant.user, Some(&grant.nonce), now)
            }
            "refresh_token" => {
                let Some(user) = self.refresh_tokens.remove(form("refresh_token").unwrap()) else {
                    self.refresh_tokens.clear();
                    return refuse("invalid_grant");
                };
                self.grant(&user, None, now)
            }
            _ => refuse("unsupported_grant_type"),
        }
    }

    pub(super) fn revoke(&mut self, request: &Request<Bytes>) {
        assert_eq!(request.uri().to_string(), format!("{ISSUER}/revoke"));
        let form = judge_form(request);
        let token = parameter(&form, "token").unwrap().to_owned();
        self.refresh_tokens.remove(&token);
        self.revoked.push((parameter(&form, "token_type_hint").unwrap().to_owned(), token));
    }

    /// The logout page: the query that comes back.
    pub(super) fn logout(&mut self, url: &str) -> String {
        assert!(url.starts_with(&format!("{ISSUER}/logout?")));
        let query = query_of(url);
        assert_eq!(parameter(&query, "client_id"), Some(CLIENT_ID));
        assert_eq!(parameter(&query, "post_logout_redirect_uri"), Some(LOGGED_OUT_URI));
        assert_eq!(parameter(&query, "id_token_hint").unwrap().split('.').count(), 3);
        parameter(&query, "state").unwrap().to_owned()
    }

    /// The claims of an ID Token that is fine in every respect.
    pub(super) fn id_claims(user: &str, nonce: Option<&str>, now: Timestamp) -> Value {
        let mut claims = json!({
            "iss": ISSUER, "aud": CLIENT_ID, "sub": user, "name": "Alice",
            "iat": now.as_unix_seconds(), "exp": now.as_unix_seconds() + 300,
            "sid": "provider-session-1",
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        claims
    }

    /// The claims of a logout token that is fine in every respect.
    pub(super) fn logout_claims(user: &str, now: Timestamp) -> Value {
        json!({
            "iss": ISSUER, "aud": CLIENT_ID, "sub": user, "sid": "provider-session-1", "jti": "1",
            "iat": now.as_unix_seconds(), "exp": now.as_unix_seconds() + 120,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as("JWT", claims)
    }

    pub(super) fn sign_as(&self, typ: &str, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": "ES256", "kid": self.kid, "typ": typ }), claims)
    }

    pub(super) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn grant(&mut self, user: &str, nonce: Option<&str>, now: Timestamp) -> Answer {
        let access_token = self.name("access");
        let refresh_token = self.name("refresh");
        self.refresh_tokens.insert(refresh_token.clone(), user.to_owned());
        let mut claims = Self::id_claims(user, nonce, now);
        claims["at_hash"] = json!(at_hash(&access_token));
        let body = json!({
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": 300,
            "refresh_token": refresh_token,
            "id_token": self.sign(&claims),
        });
        answer(StatusCode::OK, &body)
    }

    fn name(&mut self, of: &str) -> String {
        self.issued += 1;
        format!("{of}-{}", self.issued)
    }
}

/// BASE64URL of the left half of SHA-256.
pub(super) fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

fn judge_form(request: &Request<Bytes>) -> Vec<(String, String)> {
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()[header::ACCEPT], "application/json");
    assert!(!request.headers().contains_key(header::ACCEPT_ENCODING));
    let basic = request.headers()[header::AUTHORIZATION].to_str().unwrap();
    let pair = STANDARD.decode(basic.strip_prefix("Basic ").unwrap()).unwrap();
    let pair = String::from_utf8(pair).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    let decode = |text: &str| parameters(&format!("x={text}")).remove(0).1;
    assert_eq!((decode(id).as_str(), decode(secret).as_str()), (CLIENT_ID, CLIENT_SECRET));
    let form = parameters(std::str::from_utf8(request.body()).unwrap());
    let names: HashSet<_> = form.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), form.len(), "no parameter twice");
    assert!(!names.contains(&"client_secret".to_owned()));
    form
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_string()) }
}

fn refuse(error: &str) -> Answer {
    answer(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": "no" }))
}
