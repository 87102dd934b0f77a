//! The log line of a request.

use std::time::Instant;

use http::{Method, Response};

use crate::{extensions::RequestId, reason::Reason, refusal::Refused};

/// One line for each request; what an operator should look at is a warning.
pub(crate) fn write<B>(
    id: &RequestId,
    method: &Method,
    path: &str,
    sid: Option<String>,
    response: &Response<B>,
    started: Instant,
) {
    let (request, method, status) = (id.as_str(), method.as_str(), response.status());
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let refused = response.extensions().get::<Refused>();
    let reason = refused.map(|refused| refused.reason.as_str());
    let detail = refused.map(|refused| refused.detail.as_str());
    let failed = refused.is_some_and(|refused| refused.reason == Reason::LoginFailed);
    let is_failure = status.is_server_error() || failed;
    let status = status.as_u16();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(request, method, path, status, sid, reason, detail, ms, "request")
        };
    }
    if is_failure { line!(warn) } else { line!(info) }
}

/// A path as a log may hold it: bounded, without controls; never the query, which carries codes.
pub(crate) fn loggable(path: &str) -> String {
    path.chars().take(256).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
