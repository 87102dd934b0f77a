//! Requests at the login's path that are no login: their answers may hold no tokens.
//!
//! A service that answers any method there as it answers the login would hand its tokens to the page. So
//! a success is judged as a login's is, and refused where it has a token. All else is as on any path.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body::Body;

use super::{
    at_login,
    judge::{Judged, ask_for_all, judge, kind, refuse, untouched},
};
use crate::{
    body::ReplyBody, provider::Provider, refusal::Refusal, sessions::Sessions, way::gate::Admitted,
};
use cloakroom_oauth::token_api::LoginAnswer;

/// The kinds of content that may be no JSON: pages and their scripts too.
const TEXTS: [&str; 4] = ["text/plain", "text/html", "text/javascript", "application/javascript"];

/// A request at the login's path that is no login, on its way to the service.
pub(crate) struct BesideLogin(Arc<Provider>);

impl BesideLogin {
    /// Prepares the request, where it is one.
    pub(crate) fn begin(
        sessions: &Sessions,
        method: &Method,
        headers: &mut HeaderMap,
        admitted: &Admitted,
    ) -> Option<Self> {
        // Its answer has no body.
        let provider = at_login(sessions, admitted).filter(|_| *method != Method::HEAD)?;
        ask_for_all(headers);
        Some(Self(provider))
    }

    /// The service's answer, where it holds no token.
    pub(crate) async fn finish<R: Body<Data = Bytes>>(
        self,
        response: Response<ReplyBody<R>>,
    ) -> Result<Response<ReplyBody<R>>, Refusal> {
        let Some(service) = self.0.token_api() else { return Ok(response) };
        if !response.status().is_success() || streams(response.headers()) {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let read = judge(&parts.headers, body, service, &TEXTS).await?;
        match read.judged {
            Judged::Json(LoginAnswer::Tokens(_)) => {
                Err(refuse("it has tokens, and the request is no POST and so no login"))
            }
            Judged::Json(LoginAnswer::WithoutToken) | Judged::Text => {
                Ok(untouched(parts, read.body))
            }
        }
    }
}

/// Content that nobody puts a token in, or that does not end: it is not worth waiting for.
fn streams(headers: &HeaderMap) -> bool {
    let kind = kind(headers).unwrap_or_default();
    let media = ["image/", "font/", "audio/", "video/"].iter().any(|media| kind.starts_with(media));
    media || ["text/css", "text/event-stream"].contains(&kind.as_str())
}
