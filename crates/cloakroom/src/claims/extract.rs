//! [`Claims`] as an argument of axum's handlers.

use axum_core::{
    body::Body,
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, request::Parts};
use serde::de::DeserializeOwned;

use super::{Claims, TokenReader};
use crate::{Refusal, RequestId, way::reply::REQUEST_ID};

/// Why a handler that asks for [`Claims`] was not called.
#[derive(Debug)]
pub struct ClaimsRejection {
    refusal: Refusal,
    request_id: RequestId,
}

impl ClaimsRejection {
    /// The refusal; its answer is this rejection's.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// Outward a reason, the why to the log.
    fn new(refusal: Refusal, headers: &HeaderMap) -> Self {
        let request_id = headers.get(REQUEST_ID).cloned().map(RequestId).unwrap_or_default();
        let (request, reason) = (request_id.as_str(), refusal.reason().as_str());
        tracing::info!(request, reason, detail = refusal.detail(), "access token refused");
        Self { refusal, request_id }
    }
}

impl IntoResponse for ClaimsRejection {
    fn into_response(self) -> Response {
        self.refusal.into_response::<Body>(&self.request_id, false).map(Body::new)
    }
}

impl<S, T> FromRequestParts<S> for Claims<T>
where
    TokenReader: FromRef<S>,
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ClaimsRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let read = TokenReader::from_ref(state).read(&parts.method, &parts.headers).await;
        read.and_then(|claims| Self::of(&claims))
            .map_err(|refusal| ClaimsRejection::new(refusal, &parts.headers))
    }
}

impl<S, T> OptionalFromRequestParts<S> for Claims<T>
where
    TokenReader: FromRef<S>,
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ClaimsRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        let read = TokenReader::from_ref(state).read_if_any(&parts.method, &parts.headers).await;
        read.and_then(|claims| claims.map(|claims| Self::of(&claims)).transpose())
            .map_err(|refusal| ClaimsRejection::new(refusal, &parts.headers))
    }
}
