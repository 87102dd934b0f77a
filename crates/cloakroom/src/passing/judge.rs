//! Whether an answer at the login's path holds tokens: one judge for logins and for other requests there.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use cloakroom_oauth::token_api::{LiftError, LoginAnswer, MAX_LOGIN_ANSWER_BYTES};
use http::{
    HeaderMap, HeaderValue, Response,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, IF_RANGE, RANGE, TRAILER, TRANSFER_ENCODING},
    response::Parts,
};
use http_body::Body;
use http_body_util::BodyExt;

use crate::{
    body::ReplyBody, coding, provider::TokenApiProvider, reason::Reason, refusal::Refusal,
};

/// How long the service may take over the body of its answer.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What a body is, as far as tokens go.
pub(super) enum Judged {
    /// JSON, with or without them.
    Json(LoginAnswer),
    /// No JSON, and without them for certain.
    Text,
}

/// A body that was read whole.
pub(super) struct Read {
    pub(super) judged: Judged,
    /// As it came.
    pub(super) body: Bytes,
    /// Without its content coding.
    pub(super) plain: Bytes,
}

/// Asks for the answer as it can be read for certain: uncompressed and whole.
pub(super) fn ask_for_all(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for name in [RANGE, IF_RANGE] {
        headers.remove(name);
    }
}

/// Reads an answer, at most 1 MiB of it, compressed and not; refused where it could hold a token and
/// cannot be read for certain. `texts` are the kinds of content that may be no JSON.
pub(super) async fn judge<R: Body<Data = Bytes>>(
    headers: &HeaderMap,
    body: R,
    service: &TokenApiProvider,
    texts: &[&str],
) -> Result<Read, Refusal> {
    let body = collect(body).await?;
    let plain = coding::decode(headers, body.clone(), MAX_LOGIN_ANSWER_BYTES)
        .map_err(|error| refuse(&error.to_string()))?;
    let judged = match service.lift(&plain) {
        Ok(answer) => Judged::Json(answer),
        Err(LiftError::NotStrictJson)
            if is_text_without_tokens(headers, &plain, service, texts) =>
        {
            Judged::Text
        }
        Err(error) => return Err(refuse(&error.to_string())),
    };
    Ok(Read { judged, body, plain })
}

/// The answer as it came, with the body that was read.
pub(super) fn untouched<R>(parts: Parts, body: Bytes) -> Response<ReplyBody<R>> {
    let mut response = Response::from_parts(parts, ReplyBody::own(body));
    // hyper frames the bytes that were read.
    for name in [TRAILER, TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    response
}

/// The kind of an answer's content, in lower case and without its parameters: `None` where there are two.
pub(super) fn kind(headers: &HeaderMap) -> Option<String> {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = match (kinds.next(), kinds.next()) {
        (None, _) => "text/plain",
        (Some(kind), None) => kind.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return None,
    };
    Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The answer cannot go to the browser.
pub(super) fn refuse(detail: &str) -> Refusal {
    Refusal::new(Reason::LoginAnswerUnusable, format!("the login service's answer: {detail}"))
}

async fn collect<R: Body<Data = Bytes>>(body: R) -> Result<Bytes, Refusal> {
    let body = pin!(body);
    let read = tokio::time::timeout(BODY_TIMEOUT, read(body)).await;
    read.unwrap_or_else(|_| Err(refuse("its body did not come within 30 seconds")))
}

async fn read<R: Body<Data = Bytes>>(mut body: Pin<&mut R>) -> Result<Bytes, Refusal> {
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| refuse("it broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        if out.len() + data.len() > MAX_LOGIN_ANSWER_BYTES {
            return Err(refuse("it is longer than 1 MiB"));
        }
        out.extend_from_slice(&data);
    }
    Ok(out.freeze())
}

/// Whether a body that is no JSON holds no token for certain: it is empty, or it is of one of the kinds
/// `texts`, does not begin as JSON would, and has neither a JWT nor the member of a token in it.
fn is_text_without_tokens(
    headers: &HeaderMap,
    body: &[u8],
    service: &TokenApiProvider,
    texts: &[&str],
) -> bool {
    if body.is_empty() {
        return true;
    }
    let is_text = kind(headers).is_some_and(|kind| texts.contains(&kind.as_str()));
    let begun = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    let holds_member = |name: &str| {
        let quoted = format!("\"{name}\"");
        let mut ends =
            (quoted.len()..=body.len()).filter(|end| body[..*end].ends_with(quoted.as_bytes()));
        // What follows: a form's `name="token"` is no member.
        ends.any(|end| body[end..].trim_ascii_start().starts_with(b":"))
    };
    is_text
        && !matches!(begun.first(), Some(b'{' | b'['))
        // In UTF-16 all of JSON has them.
        && !body.contains(&0)
        && !body.windows(3).any(|window| window == b"eyJ")
        && !service.api().tokens.tokens().filter_map(|place| place.last_name()).any(holds_member)
}
