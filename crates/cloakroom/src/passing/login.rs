//! The application's own login request: the tokens stay here, the browser gets the rest.
//!
//! 1. No session goes along, and the answer is asked for whole, uncompressed and in JSON: a page that
//!    wants it otherwise would get tokens where we do not find them.
//! 2. An answer that is no success passes untouched, as it streams: the page's own errors.
//! 3. A success is read whole, whatever it calls its content, for a service that mislabels its JSON
//!    must not leak a token. At most 1 MiB, compressed and not.
//! 4. Where the tokens can be lifted, a session begins under a new id and the old one is destroyed
//!    (R31). Where there is no token (another step of the login), the answer passes untouched, with a
//!    warning in the log. Where the answer could hold a token and cannot be read for certain, it is
//!    refused: a page might find the token where we do not. What is no JSON passes where it is empty, or
//!    text for people without a sign of tokens in it.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use cloakroom_core::time::Timestamp;
use cloakroom_oauth::token_api::{LiftError, Lifted, LoginAnswer, MAX_LOGIN_ANSWER_BYTES};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
        CONTENT_RANGE, CONTENT_TYPE, COOKIE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE, TRAILER,
        TRANSFER_ENCODING,
    },
    response::Parts,
};
use http_body::Body;
use http_body_util::BodyExt;

use crate::{
    Shared,
    body::ReplyBody,
    coding,
    control::begin,
    provider::{Provider, TokenApiProvider},
    reason::Reason,
    refusal::Refusal,
    way::reply,
};

/// How long the service may take over the body of its answer.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What describes the body that came and not the one that goes.
const OF_THE_BODY: [HeaderName; 10] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    ETAG,
    LAST_MODIFIED,
    TRAILER,
    TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// A login on its way to the service.
pub(crate) struct PassingLogin {
    provider: Arc<Provider>,
    /// The request's cookies: they name the session that the login replaces.
    cookies: HeaderMap,
    asked_at: Timestamp,
}

impl PassingLogin {
    /// Prepares the request, before our cookies are taken off.
    pub(crate) fn begin(provider: Arc<Provider>, headers: &mut HeaderMap, now: Timestamp) -> Self {
        let cookies = headers.get_all(COOKIE).iter().map(|value| (COOKIE, value.clone())).collect();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(ACCEPT, accepted(headers));
        for name in [RANGE, IF_RANGE] {
            headers.remove(name);
        }
        Self { provider, cookies, asked_at: now }
    }

    /// Judges the service's answer.
    pub(crate) async fn finish<R: Body<Data = Bytes>>(
        self,
        shared: &Shared,
        response: Response<R>,
    ) -> Result<Response<ReplyBody<R>>, Refusal> {
        let (mut parts, body) = response.into_parts();
        reply::clean(&mut parts.headers, &shared.reserved);
        if !parts.status.is_success() {
            return Ok(Response::from_parts(parts, ReplyBody::inner(body)));
        }
        let untouched = |parts: Parts, body: Bytes| {
            let mut response = Response::from_parts(parts, ReplyBody::own(body));
            // hyper frames the bytes that were read.
            for name in [TRAILER, TRANSFER_ENCODING] {
                response.headers_mut().remove(name);
            }
            response
        };
        let service = self.provider.token_api().ok_or_else(|| refuse("no pointers into it"))?;
        let body = collect(body).await?;
        let plain = coding::decode(&parts.headers, body.clone(), MAX_LOGIN_ANSWER_BYTES)
            .map_err(|error| refuse(&error.to_string()))?;
        match service.lift(&plain) {
            Ok(LoginAnswer::Tokens(lifted)) => {
                let remainder = self.log_in(shared, service, lifted, &mut parts.headers).await?;
                Ok(Response::from_parts(parts, ReplyBody::own(remainder)))
            }
            Ok(LoginAnswer::WithoutToken) => {
                let (provider, status) = (self.provider.name(), parts.status.as_u16());
                tracing::warn!(
                    provider,
                    status,
                    "the answer to a login has no token where tokens.access leads: passed on"
                );
                Ok(untouched(parts, body))
            }
            Err(LiftError::NotStrictJson)
                if is_text_without_tokens(&parts.headers, &plain, service) =>
            {
                Ok(untouched(parts, body))
            }
            Err(error) => Err(refuse(&error.to_string())),
        }
    }

    /// Begins the session; the answer is the service's without its tokens.
    async fn log_in(
        &self,
        shared: &Shared,
        service: &TokenApiProvider,
        mut lifted: Lifted,
        headers: &mut HeaderMap,
    ) -> Result<Vec<u8>, Refusal> {
        drop_tokens(headers, &lifted, self.provider.name());
        let remainder = std::mem::take(&mut lifted.remainder);
        let login = service.login(lifted, self.asked_at);
        let (tokens, now) = (login.tokens.clone(), shared.clock.now());
        let cookies = begin::session(shared, &self.cookies, &self.provider, login, None, now)
            .await
            .inspect_err(|_| self.provider.revoke(tokens))?;
        for name in OF_THE_BODY {
            headers.remove(name);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply::set_cookies(headers, cookies);
        Ok(remainder)
    }
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

/// Takes off headers that say a token once more, in a cookie for scripts for instance.
fn drop_tokens(headers: &mut HeaderMap, lifted: &Lifted, provider: &str) {
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names {
        let values: Vec<_> = headers.get_all(&name).iter().cloned().collect();
        let holds_token = |value: &HeaderValue| lifted.occurs_in(value.as_bytes());
        if values.iter().any(holds_token) {
            tracing::warn!(provider, header = name.as_str(), "a header with a token taken off");
            headers.remove(&name);
            for value in values.into_iter().filter(|value| !holds_token(value)) {
                headers.append(&name, value);
            }
        }
    }
}

/// Of what the page accepts the kinds of JSON; just JSON where it names none.
fn accepted(headers: &HeaderMap) -> HeaderValue {
    let kinds = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = kinds.flat_map(|value| value.split(',')).map(str::trim).filter(|kind| {
        let name = kind.split(';').next().unwrap_or_default().trim_end().to_ascii_lowercase();
        name.ends_with("/json") || name.ends_with("+json")
    });
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(kinds)
        .ok()
        .filter(|kinds| !kinds.is_empty())
        .unwrap_or(HeaderValue::from_static("application/json"))
}

/// Whether a body that is no JSON holds no token for certain: it is empty, or it is text for people, does
/// not begin as JSON would, and has neither a JWT nor the access token's member in it.
fn is_text_without_tokens(headers: &HeaderMap, body: &[u8], service: &TokenApiProvider) -> bool {
    if body.is_empty() {
        return true;
    }
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = match (kinds.next(), kinds.next()) {
        (None, _) => "text/plain".to_owned(),
        (Some(kind), None) => kind.to_str().unwrap_or_default().to_ascii_lowercase(),
        (Some(_), Some(_)) => return false,
    };
    let is_text =
        ["text/plain", "text/html"].contains(&kind.split(';').next().unwrap_or("").trim());
    let holds = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    let begun = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    let name = service.api().tokens.access_token().last_name();
    is_text
        && !matches!(begun.first(), Some(b'{' | b'['))
        // In UTF-16 all of JSON has them.
        && !body.contains(&0)
        && !holds(b"eyJ")
        && name.is_none_or(|name| !holds(format!("\"{name}\"").as_bytes()))
}

fn refuse(detail: &str) -> Refusal {
    Refusal::new(Reason::LoginAnswerUnusable, format!("the login service's answer: {detail}"))
}
