//! `POST logout`, the one-time link to the provider behind it, and the way back (R40, R47, R48).
//!
//! The session ends here first, whatever the provider does. The link to the provider's own logout
//! needs the ID Token as a hint, which no script may see; so the page gets a link to ourselves with a
//! sealed ticket, good once and for a minute, that redirects to the provider.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    cookie::{self, Attributes, CookieName, Found, Lifetime, SameSite},
    guard::{SameOrigin, is_navigation},
    random,
    seal::{Purpose, SealContext},
    secret::Token,
    session::RecordId,
    time::Timestamp,
};
use cloakroom_oauth::MAX_HINT_BYTES;
use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Reply, parameter};
use crate::{
    Shared,
    reason::Reason,
    refusal::Refusal,
    sessions::EverywhereError,
    settings::Settings,
    way::{gate::Admitted, reply::CLEAR_SITE_DATA},
};

/// How long the link to the provider's logout is good for.
const TICKET_LIFETIME: Duration = Duration::from_secs(60);
/// How long the provider may take to send the browser back.
const RETURN_LIFETIME: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct LogoutTicket {
    provider: String,
    issuer: String,
    id_token: Option<Token>,
    expires_at: Timestamp,
}

/// How much a logout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// The browser's own session.
    Here,
    /// All sessions of its user (R33).
    Everywhere,
}

/// What `everywhere` asks for. Where it cannot be, that is said before anything ends.
fn extent(shared: &Shared, admitted: &Admitted) -> Result<Extent, Refusal> {
    let query = admitted.query().unwrap_or_default();
    let values = url::form_urlencoded::parse(query.as_bytes());
    let values: Vec<_> = values.filter(|(name, _)| name == "everywhere").collect();
    match values.as_slice() {
        [] => Ok(Extent::Here),
        [(_, value)] if value == "true" && shared.sessions.are_stored() => Ok(Extent::Everywhere),
        [(_, value)] if value == "true" => {
            Err(Refusal::new(Reason::EverywhereUnsupported, "sessions of this mode are in no list"))
        }
        _ => Err(Refusal::new(Reason::BadRequest, "everywhere is true or absent")),
    }
}

/// Sends the browser on, with its POST, to the one path that the refresh token's cookie comes to.
pub(super) fn send_on(
    shared: &Shared,
    admitted: &Admitted,
    _ours: &SameOrigin,
) -> Result<Reply, Refusal> {
    extent(shared, admitted)?;
    let location = format!("{}/refresh/logout", shared.settings.control_prefix);
    Ok(Reply::same_method(&location))
}

/// Ends the session here, revokes its tokens at the provider beside (R17), and says where to go next.
pub(super) async fn end(
    shared: &Shared,
    headers: &HeaderMap,
    admitted: &Admitted,
    _ours: SameOrigin,
) -> Result<Reply, Refusal> {
    let extent = extent(shared, admitted)?;
    let settings = &shared.settings;
    let now = shared.clock.now();
    let expired = shared.forgetting_cookies();
    let clear = HeaderValue::from_static("\"cookies\", \"storage\"");
    // The browser forgets its cookies also where the store cannot be asked (R48).
    let forget = |refusal: Refusal| {
        let refusal = refusal.with_header(CLEAR_SITE_DATA, clear.clone());
        let add = |refusal: Refusal, cookie| refusal.with_header(SET_COOKIE, cookie);
        expired.iter().cloned().fold(refusal, add)
    };
    let presented = shared.sessions.present(headers);
    if let Some(presented) = &presented {
        super::check_csrf(shared, headers, presented).await.map_err(|refusal| {
            match refusal.reason() {
                Reason::StoreUnavailable => forget(refusal),
                _ => refusal,
            }
        })?;
    }
    let sessions = &shared.sessions;
    let ended = match (presented, extent) {
        (Some(presented), Extent::Here) => {
            sessions.end(&presented, now).await.map_err(|error| forget(error.into()))?
        }
        (Some(presented), Extent::Everywhere) => {
            sessions.end_everywhere(&presented, now).await.map_err(|error| match error {
                EverywhereError::Unsupported => {
                    Refusal::new(Reason::EverywhereUnsupported, error.to_string())
                }
                EverywhereError::Load(error) => forget(error.into()),
                EverywhereError::Store(error) => forget(super::refresh::store_refusal(error)),
            })?
        }
        (None, _) => None,
    };
    let mut location = settings.after_logout.clone();
    if let Some(ended) = ended
        && ended.provider().is_some_and(|provider| provider.oidc().is_some())
    {
        let record = ended.record();
        let hint = record.tokens.id_token.clone();
        let ticket = LogoutTicket {
            provider: record.provider.clone(),
            issuer: record.user.iss.clone(),
            id_token: hint.filter(|token| token.expose().len() <= MAX_HINT_BYTES),
            expires_at: now.plus(TICKET_LIFETIME),
        };
        location = format!("{}/logout?ticket={}", settings.control_prefix, seal(shared, &ticket));
    }
    let reply = if is_navigation(headers) {
        Reply::see_other(&location)
    } else {
        Reply::json(&json!({ "location": location }))
    };
    Ok(reply.cookies(expired).header(CLEAR_SITE_DATA, clear))
}

/// Leads on to the provider's logout, once per ticket.
pub(super) async fn lead_on(shared: &Shared, admitted: &Admitted) -> Result<Reply, Refusal> {
    let home = || Reply::see_other(&shared.settings.after_logout);
    let now = shared.clock.now();
    let Some(sealed) = parameter(admitted, "ticket") else {
        return Err(Refusal::new(Reason::MethodNotAllowed, "a logout is a POST").allow("POST"));
    };
    let Some(ticket) = open(shared, &sealed).filter(|ticket| now < ticket.expires_at) else {
        return Ok(home());
    };
    let claim = RecordId::hash(b"cloakroom logout ticket v1", sealed.as_bytes());
    let until = now.plus(TICKET_LIFETIME);
    let store = shared.sessions.store();
    if !store.claim(claim, until, now).await.map_err(super::refresh::store_refusal)? {
        return Ok(home());
    }
    let provider = shared.sessions.provider(&ticket.provider);
    let provider = provider.filter(|provider| provider.issuer() == ticket.issuer);
    let Some(provider) = provider.and_then(|provider| provider.oidc()) else { return Ok(home()) };
    // The user is logged out here already; a provider that is down does not change that.
    let Ok(metadata) = provider.metadata().await else { return Ok(home()) };
    let state = URL_SAFE_NO_PAD.encode(random::bytes::<16>(&*shared.random));
    let hint = ticket.id_token.as_ref();
    let prefix = &shared.settings.control_prefix;
    let back = Settings::post_logout_redirect_uri(admitted.origin(), prefix);
    let client = provider.client();
    let url = cloakroom_oauth::end_session_url(client, &metadata, hint, &back, &state);
    let Some(url) = url else { return Ok(home()) };
    let cookie = return_cookie(shared)
        .and_then(|name| cookie::set(&name, &state, &return_attributes()).ok());
    let reply = Reply::see_other(&url);
    Ok(match cookie {
        Some(cookie) => reply.cookie(cookie),
        None => reply,
    })
}

/// The provider sent the browser back: the way home, whatever the state, for nothing depends on it.
pub(super) fn back(shared: &Shared, headers: &HeaderMap, admitted: &Admitted) -> Reply {
    let reply = Reply::see_other(&shared.settings.after_logout);
    let Some(name) = return_cookie(shared) else { return reply };
    let state = parameter(admitted, "state");
    let expected = match cookie::find(headers, &name) {
        Found::One(value) => state.is_some_and(|state| state.as_bytes() == value),
        Found::Absent | Found::Duplicate => false,
    };
    if !expected {
        tracing::warn!("a return from the provider's logout that this browser did not begin");
    }
    reply.cookie(cookie::expire(&name, &return_attributes()))
}

/// Whether this browser is at the provider to log out there, as far as we know.
pub(super) fn is_under_way(shared: &Shared, headers: &HeaderMap) -> bool {
    return_cookie(shared).is_some_and(|name| cookie::find(headers, &name) != Found::Absent)
}

fn return_cookie(shared: &Shared) -> Option<CookieName> {
    shared.settings.cookie.name.bound_to_host().with_suffix("-logout").ok()
}

/// `Lax`: the way back is a navigation from another site.
fn return_attributes() -> Attributes {
    Attributes::host(SameSite::Lax, Lifetime::MaxAge(RETURN_LIFETIME))
}

fn context() -> SealContext<'static> {
    SealContext { purpose: Purpose::LogoutTicket, name: b"", secret: &[] }
}

fn seal(shared: &Shared, ticket: &LogoutTicket) -> String {
    let plain = serde_json::to_vec(ticket).expect("a ticket has only text and numbers");
    URL_SAFE_NO_PAD.encode(shared.keyring.get().seal(&*shared.random, &context(), &plain))
}

fn open(shared: &Shared, sealed: &str) -> Option<LogoutTicket> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = shared.keyring.get().open(&context(), &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}
