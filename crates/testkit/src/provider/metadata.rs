//! Discovery (OpenID Connect Discovery 1.0, RFC 8414) and the signing keys (RFC 7517).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::faults::Step;
use super::shared::{Count, Shared, apply};

pub(super) async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    shared.state().count(Count::Discovery);
    match shared.faults.play(Step::Discovery).await {
        Ok(course) => course.send(Json(document(&shared))),
        Err(answer) => answer,
    }
}

pub(super) async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    shared.state().count(Count::Jwks);
    let course = match shared.faults.play(Step::Jwks).await {
        Ok(course) => course,
        Err(answer) => return answer,
    };
    let keys: Vec<_> = shared.state().keys.iter().map(|key| key.jwk()).collect();
    course.send(Json(json!({ "keys": keys })))
}

fn document(shared: &Shared) -> Value {
    let issuer = &shared.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "end_session_endpoint": format!("{issuer}/end_session"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "none"],
        "authorization_response_iss_parameter_supported": true,
    });
    let change = shared.state().tamper.metadata.clone();
    apply(&change, &mut document);
    document
}
