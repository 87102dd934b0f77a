//! The application's own login request: the tokens stay here, the browser gets the rest.
//!
//! 1. No session goes along, and the answer is asked for whole, uncompressed and in JSON: a page that
//!    wants it otherwise would get tokens where we do not find them.
//! 2. An answer that is no success passes untouched, as it streams: the page's own errors. But a redirect
//!    that carries a token is refused.
//! 3. A success is read whole, whatever it calls its content, for a service that mislabels its JSON
//!    must not leak a token. At most 1 MiB, compressed and not.
//! 4. Where the tokens can be lifted, a session begins under a new id and the old one is destroyed
//!    (R31). Where there is no token (another step of the login), the answer passes untouched, with a
//!    warning in the log. Where the answer could hold a token and cannot be read for certain, it is
//!    refused: a page might find the token where we do not. What is no JSON passes where it is empty, or
//!    text for people without a sign of tokens in it.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_core::{session::Device, time::Timestamp};
use cloakroom_oauth::token_api::{Lifted, LoginAnswer, jwts, leads_off_with_token};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{
        ACCEPT, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
        COOKIE, ETAG, LAST_MODIFIED, LOCATION, SET_COOKIE, TRAILER, TRANSFER_ENCODING,
    },
};
use http_body::Body;

use super::judge::{Judged, Read, ask_for_all, judge, refuse, untouched};
use crate::{
    Shared,
    body::ReplyBody,
    control::begin,
    provider::{Provider, TokenApiProvider},
    refusal::{Refusal, SESSION_HEADER},
    way::{gate::Admitted, reply},
};

/// The kinds of content that may be no JSON.
const TEXTS: [&str; 2] = ["text/plain", "text/html"];

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
    device: Device,
    asked_at: Timestamp,
}

impl PassingLogin {
    /// Prepares the request, before our cookies are taken off.
    pub(crate) fn begin(
        provider: Arc<Provider>,
        headers: &mut HeaderMap,
        admitted: &Admitted,
        now: Timestamp,
    ) -> Self {
        let cookies = headers.get_all(COOKIE).iter().map(|value| (COOKIE, value.clone())).collect();
        ask_for_all(headers);
        headers.insert(ACCEPT, accepted(headers));
        let device = admitted.device(headers);
        Self { provider, cookies, device, asked_at: now }
    }

    /// Judges the service's answer.
    pub(crate) async fn finish<R: Body<Data = Bytes>>(
        self,
        shared: &Shared,
        response: Response<R>,
    ) -> Result<Response<ReplyBody<R>>, Refusal> {
        let (mut parts, body) = response.into_parts();
        reply::clean(&mut parts.headers, &shared.reserved);
        let service = self.provider.token_api().ok_or_else(|| refuse("no pointers into it"))?;
        if parts.status.is_redirection() {
            check_redirect(&parts.headers, service)?;
        }
        if !parts.status.is_success() {
            return Ok(Response::from_parts(parts, ReplyBody::inner(body)));
        }
        let Read { judged, body, plain } = judge(&parts.headers, body, service, &TEXTS).await?;
        match judged {
            Judged::Json(LoginAnswer::Tokens(lifted)) => {
                let remainder = self.log_in(shared, service, lifted, &mut parts.headers).await?;
                Ok(Response::from_parts(parts, ReplyBody::own(remainder)))
            }
            Judged::Json(LoginAnswer::WithoutToken) => {
                let (provider, status) = (self.provider.name(), parts.status.as_u16());
                tracing::warn!(
                    provider,
                    status,
                    "the answer to a login has no token where tokens.access leads: passed on"
                );
                self.warn_of_jwts(service, &plain);
                Ok(untouched(parts, body))
            }
            Judged::Text => Ok(untouched(parts, body)),
        }
    }

    /// Says so where the page gets what may be a token.
    fn warn_of_jwts(&self, service: &TokenApiProvider, remainder: &[u8]) {
        let placeholder = service.api().placeholder.as_deref().unwrap_or_default();
        if jwts(remainder).any(|jwt| jwt != placeholder.as_bytes()) {
            let provider = self.provider.name();
            tracing::warn!(
                provider,
                "the page gets a text shaped like a JWT with the answer to a login; if it is a token, \
                 say in tokens.others where it is"
            );
        }
    }

    /// Says so, once, where the service seems to keep its refresh token in a cookie of its own: the
    /// gateway cannot refresh then, and the page's own refresh must be known as a login.
    fn warn_of_cookie(&self, service: &TokenApiProvider, headers: &HeaderMap) {
        let name = |pair: &str| pair.split('=').next().unwrap_or_default().trim().to_owned();
        let sent = self.cookies.values().filter_map(|value| value.to_str().ok());
        let sent: Vec<_> = sent.flat_map(|value| value.split(';')).map(name).collect();
        let mut set = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let keeps = set.any(|cookie| {
            let mut parts = cookie.split(';').map(str::trim);
            // One that came with the request is replaced: this is that refresh.
            let is_new = parts.next().is_some_and(|pair| !sent.contains(&name(pair)));
            is_new && parts.any(|attribute| attribute.eq_ignore_ascii_case("httponly"))
        });
        if keeps && service.first_own_cookie() {
            let provider = self.provider.name();
            tracing::warn!(
                provider,
                "the answer to a login has no refresh token where tokens.refresh leads, and sets an \
                 HttpOnly cookie of its own; if that is the refresh token, the session lasts only as long \
                 as its access token: name the page's own refresh request as the login of a further \
                 [[provider]]"
            );
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
        if lifted.refresh_token.is_none() {
            self.warn_of_cookie(service, headers);
        }
        let remainder = std::mem::take(&mut lifted.remainder);
        self.warn_of_jwts(service, &remainder);
        let login = service.login(lifted, self.asked_at);
        let (tokens, now) = (login.tokens.clone(), shared.clock.now());
        let (provider, device) = (&self.provider, self.device.clone());
        let cookies = begin::session(shared, &self.cookies, provider, login, None, device, now)
            .await
            .inspect_err(|_| provider.revoke(tokens))?;
        for name in OF_THE_BODY {
            headers.remove(name);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(SESSION_HEADER, HeaderValue::from_static("started"));
        reply::set_cookies(headers, cookies);
        Ok(remainder)
    }
}

/// Refuses a redirect that would hand a token to the page that it leads to.
fn check_redirect(headers: &HeaderMap, service: &TokenApiProvider) -> Result<(), Refusal> {
    let names = || service.api().tokens.tokens().filter_map(|place| place.last_name());
    let mut locations = headers.get_all(LOCATION).iter();
    if locations.any(|location| leads_off_with_token(location.as_bytes(), names())) {
        return Err(refuse(
            "it is a redirect with what looks like a token in its Location, a JWT or a parameter of a \
             token's name",
        ));
    }
    Ok(())
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
