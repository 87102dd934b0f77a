//! Mode `jwt`: the access token as it is in a cookie that every path gets, and all else sealed in a
//! second one that the refresh endpoint alone gets.
//!
//! The first is verified on each request, so that it proves the session by itself; the second is kept as
//! in mode `sealed`. Only at the refresh endpoint do both come together, so the page has to go there
//! when the token has expired. Between refreshes no use of the session is seen: the idle timeout counts
//! from the end of the access token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cloakroom_core::{
    cookie::{self, Attributes, CookieName, Found},
    jwt::{JwtError, VerifiedClaims, peek_expiry, peek_session_name},
    random::Random,
    secret::Token,
    session::{
        Beside, Device, Freshness, Record, RecordId, SealedSession, Ticket, Timeouts, TokenSet,
        UserKey, access_token_id,
    },
    time::Timestamp,
};
use cloakroom_store::Replaced;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::{
    Kind, LoadError, Presented, Sealed, StartError, Started, Stored,
    memory::{Known, Successor},
    sealed::lifetime,
};
use crate::verifier::{Verifiers, VerifyError};

/// Refused access tokens remembered at once.
const MAX_REJECTED: usize = 16 * 1024;

/// New access tokens, and old ones with a successor, remembered at once.
const MAX_RENEWED: usize = 64 * 1024;

/// The claims of the access token that the page may know: who the user is (OpenID Connect Core §5.1).
///
/// The token was made for an API: what else it says may be no script's business.
const PAGE_CLAIMS: [&str; 20] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

pub(crate) struct Jwt {
    access: CookieName,
    attributes: Attributes,
    refresh: Sealed,
    verifiers: Arc<Verifiers>,
    random: Arc<dyn Random>,
    timeouts: Timeouts,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The sessions and generations whose new access tokens no request has brought yet.
    waiting: HashMap<RecordId, (RecordId, u64)>,
    /// The sessions of access tokens before and after a refresh, until they expire: most requests bring
    /// the access token alone. One that ends a session by it ends them all.
    renewed: HashMap<RecordId, (RecordId, Timestamp)>,
    /// The access tokens that an upstream refused, until they expire.
    rejected: HashMap<RecordId, Timestamp>,
}

impl Jwt {
    /// `attributes` are those of the cookie `access`; `refresh` keeps the other one.
    pub(in crate::sessions) fn new(
        access: CookieName,
        attributes: Attributes,
        refresh: Sealed,
        verifiers: Arc<Verifiers>,
        random: Arc<dyn Random>,
        timeouts: Timeouts,
    ) -> Self {
        let state = Mutex::default();
        Self { access, attributes, refresh, verifiers, random, timeouts, state }
    }

    /// The refresh cookie counts beside an access token of its login alone. Its path denies it the prefix
    /// that binds to the host, so that a sibling subdomain could plant one of a session of its own; the
    /// access token's cookie has that prefix.
    pub(super) fn present(&self, headers: &HeaderMap) -> Option<Presented> {
        let token = self.shown(headers);
        let login = token.and_then(peek_session_name);
        match self.refresh.present(headers) {
            Some(presented) if login == Some(presented.name()) => {
                Some(presented.with_access_token(token))
            }
            Some(_) => {
                let cookie = self.access.as_str();
                tracing::warn!(cookie, "a refresh cookie without its access token's: ignored");
                token.and_then(Presented::access_token)
            }
            None => token.and_then(Presented::access_token),
        }
    }

    pub(super) fn is_named(&self, headers: &HeaderMap) -> bool {
        cookie::find(headers, &self.access) != Found::Absent || self.refresh.is_named(headers)
    }

    pub(super) async fn start(
        &self,
        record: Record,
        now: Timestamp,
    ) -> Result<Started, StartError> {
        let token = &record.tokens.access_token;
        // A session that no later request could prove is not begun.
        let refused = |why: String| {
            StartError::NotVerified(format!(
                "session mode \"jwt\" needs access tokens that pass provider.access_token: {why}. For opaque tokens use session mode \"server\" or \"sealed\""
            ))
        };
        let verifier = self.verifiers.of(&record.provider);
        let verifier = verifier.ok_or_else(|| refused("the provider has none".to_owned()))?;
        let claims = verifier.verify(token.expose(), now).await.map_err(|error| match error {
            VerifyError::Invalid(error) => refused(error.to_string()),
            VerifyError::Unavailable(error) => StartError::Unavailable(error.to_string()),
        })?;
        if self.is_too_old(&claims, now) {
            return Err(refused("it is older than a session may be".to_owned()));
        }
        let name = claims.session_name();
        let ticket = Ticket::generate(&*self.random);
        let cookies = self.set(ticket, name, &record, 1, now).map_err(StartError::DoesNotFit)?;
        Ok(Started { id: name, cookies })
    }

    pub(super) async fn load(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Stored>, LoadError> {
        match presented.kind() {
            Kind::Ticket(_) => Ok(None),
            Kind::Carried(carried) => {
                let ended = carried.beside.is_none_or(|beside| self.is_ended(beside.token, now));
                Ok(if ended { None } else { self.refresh.load(presented, now) })
            }
            Kind::AccessToken(_) if self.is_ended(presented.id(), now) => Ok(None),
            Kind::AccessToken(token) => match self.verifiers.verify(token.expose(), now).await {
                Ok(claims) if self.is_too_old(&claims, now) => Err(LoadError::TokenExpired),
                Ok(claims) => {
                    self.arrived(presented.id(), now);
                    let record = record(token.clone(), &claims);
                    match Freshness::of(&record.tokens, &presented.name(), now) {
                        Freshness::Expired => Err(LoadError::TokenExpired),
                        Freshness::Due | Freshness::Fresh => Ok(Some(Stored {
                            expires_at: claims.expires_at(),
                            record: Arc::new(record),
                            version: 0,
                        })),
                    }
                }
                Err(VerifyError::Invalid(JwtError::Expired)) => Err(LoadError::TokenExpired),
                Err(VerifyError::Invalid(error)) => {
                    tracing::warn!(cookie = self.access.as_str(), %error, "access token refused");
                    Ok(None)
                }
                Err(VerifyError::Unavailable(error)) => Err(LoadError::Keys(error.to_string())),
            },
        }
    }

    pub(super) fn replace(
        &self,
        presented: &Presented,
        before: &Stored,
        record: &Arc<Record>,
    ) -> Replaced {
        let Some(beside) = presented.carried().and_then(|carried| carried.beside) else {
            return Replaced::Gone;
        };
        let used = &before.record.tokens.access_token;
        // What the browser kept beside it may be another token than the one that was replaced.
        let spent = [beside.token, access_token_id(used.expose())];
        let spent = if used.expose().is_empty() { &spent[..1] } else { &spent };
        // Noted before the question whether it has ended: who ends it meanwhile finds the session so.
        {
            let mut state = self.state();
            for token in spent {
                state.waiting.remove(token);
                state.note_renewed(*token, presented.id(), before.record.tokens.expires_at);
            }
        }
        if spent.iter().any(|token| self.refresh.memory.has_ended(*token)) {
            return Replaced::Gone;
        }
        let replaced = self.refresh.replace(presented, before, record);
        if let Replaced::Done { version } = replaced {
            let mut state = self.state();
            let token = access_token_id(record.tokens.access_token.expose());
            state.note_renewed(token, presented.id(), record.tokens.expires_at);
            if state.waiting.len() < MAX_RENEWED {
                state.waiting.insert(token, (presented.id(), version));
            }
        }
        replaced
    }

    /// Ends the session, and the access tokens that are known of it.
    pub(super) fn remove(&self, presented: &Presented, now: Timestamp) -> Option<Arc<Record>> {
        let Kind::Carried(carried) = presented.kind() else {
            return self.forget(presented.id(), now);
        };
        let successor = carried.beside.and_then(|beside| self.forget(beside.token, now));
        let removed = self.refresh.remove(presented, now)?;
        let record = successor.unwrap_or(removed);
        let token = record.tokens.access_token.expose();
        if !token.is_empty() {
            self.forget(access_token_id(token), now);
        }
        Some(record)
    }

    /// `id` is a session's or an access token's: of both no cookie is believed any more. Gives the
    /// successor that a refresh has made of it and no request has brought yet.
    pub(super) fn forget(&self, id: RecordId, now: Timestamp) -> Option<Arc<Record>> {
        let (memory, until) = (&self.refresh.memory, now.plus(self.timeouts.absolute));
        let own = memory.end(id, until);
        let session = self.session_of(id);
        let successor = own.or_else(|| memory.end(session?, until))?;
        memory.end(access_token_id(successor.tokens.access_token.expose()), until);
        Some(successor)
    }

    /// Both cookies anew after a refresh.
    pub(super) fn cookies(&self, presented: &Presented, now: Timestamp) -> Vec<HeaderValue> {
        let Kind::Carried(carried) = presented.kind() else { return Vec::new() };
        let known = self.refresh.memory.look(presented.id(), carried.generation, now);
        let Known::Successor(Successor { record, generation, .. }) = known else {
            return Vec::new();
        };
        let ticket = carried.ticket.clone();
        // The next request is known by the new token.
        let token = record.tokens.access_token.expose();
        let name = peek_session_name(token).unwrap_or(presented.name());
        self.set(ticket, name, &record, generation, now).unwrap_or_else(|error| {
            let sid = presented.name().handle();
            tracing::error!(sid, error, "session ended: its new tokens do not fit its cookies");
            self.remove(presented, now);
            self.expire()
        })
    }

    pub(super) fn expire(&self) -> Vec<HeaderValue> {
        let mut cookies = self.refresh.expire();
        cookies.push(cookie::expire(&self.access, &self.attributes));
        cookies
    }

    /// Notes that an upstream refused the token, for the refresh that the page asks for next.
    pub(super) fn reject(&self, presented: &Presented, expires_at: Timestamp) {
        let mut state = self.state();
        if state.rejected.len() < MAX_REJECTED {
            state.rejected.insert(presented.id(), expires_at);
        }
    }

    /// When the token set was obtained whose access token an upstream refused.
    pub(super) fn rejected(&self, presented: &Presented) -> Option<Timestamp> {
        let carried = presented.carried()?;
        let token = carried.beside?.token;
        self.state().rejected.contains_key(&token).then_some(carried.record.tokens.obtained_at)
    }

    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        let memory = &self.refresh.memory;
        let mut state = self.state();
        state.rejected.retain(|_, until| now < *until);
        let swept = memory.sweep(now);
        state.waiting.retain(|_, (id, _)| memory.has_successor(*id));
        state.renewed.retain(|_, (id, until)| now < *until || memory.has_successor(*id));
        swept
    }

    /// The access token's cookie; twice is none (R27).
    fn shown<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        match cookie::find(headers, &self.access) {
            Found::One(value) => std::str::from_utf8(value).ok(),
            Found::Absent => None,
            Found::Duplicate => {
                let cookie = self.access.as_str();
                tracing::warn!(cookie, "access token's cookie sent twice: ignored");
                None
            }
        }
    }

    /// A request brought this token: where it is a successor's, that has arrived.
    fn arrived(&self, token: RecordId, now: Timestamp) {
        let waited = self.state().waiting.remove(&token);
        if let Some((id, generation)) = waited {
            self.refresh.memory.look(id, generation, now);
        }
    }

    /// A token can outlive the sessions that may be had by it (R32), and the memory of their ends.
    fn is_too_old(&self, claims: &VerifiedClaims, now: Timestamp) -> bool {
        let longest = self.timeouts.absolute;
        match claims.issued_at() {
            Some(issued) => issued.plus(longest) <= now,
            // Nobody knows its age, so what it has left must fit into a session.
            None => claims.expires_at() > now.plus(longest),
        }
    }

    pub(super) fn is_ended(&self, id: RecordId, now: Timestamp) -> bool {
        let memory = &self.refresh.memory;
        matches!(memory.look(id, u64::MAX, now), Known::Ended)
            || self.session_of(id).is_some_and(|session| memory.has_ended(session))
    }

    /// The session of an access token that was refreshed, or came of a refresh.
    pub(super) fn session_of(&self, token: RecordId) -> Option<RecordId> {
        self.state().renewed.get(&token).map(|(session, _)| *session)
    }

    fn set(
        &self,
        ticket: Ticket,
        name: RecordId,
        record: &Record,
        generation: u64,
        now: Timestamp,
    ) -> Result<Vec<HeaderValue>, String> {
        let token = &record.tokens.access_token;
        let attributes = Attributes {
            lifetime: lifetime(&self.attributes, record, now),
            ..self.attributes.clone()
        };
        let access = cookie::set(&self.access, token.expose(), &attributes).map_err(|error| {
            format!("the access token: {error}: use session mode \"server\" or \"sealed\"")
        })?;
        let last_use = record.tokens.expires_at.map_or(now, |at| at.max(now));
        let expires_at = self.timeouts.expiry(last_use, record.absolute_end);
        let beside = Beside { token: access_token_id(token.expose()), name };
        let tokens = TokenSet { access_token: Token::new(""), ..record.tokens.clone() };
        // The claims that the page sees are the access token's.
        let record = Record { tokens, claims: serde_json::Map::new(), ..record.clone() };
        let session =
            SealedSession { ticket, record, generation, expires_at, beside: Some(beside) };
        let mut cookies = self.refresh.set(&session, now)?;
        cookies.push(access);
        Ok(cookies)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Of a token of unknown life it is known for as long as a successor waits.
    fn note_renewed(&mut self, token: RecordId, session: RecordId, until: Option<Timestamp>) {
        if self.renewed.len() < MAX_RENEWED {
            let until = until.unwrap_or(Timestamp::from_unix_millis(0));
            self.renewed.insert(token, (session, until));
        }
    }
}

impl Presented {
    /// Puts the token in that the browser kept apart; without the right one it is to be refreshed.
    fn with_access_token(self, token: Option<&str>) -> Self {
        self.map_record(|record, beside| {
            let right = |token: &&str| beside.is_some_and(|it| it.token == access_token_id(token));
            let tokens = &mut record.tokens;
            match token.filter(right) {
                Some(token) => {
                    tokens.access_token = Token::new(token);
                    // What every other request is judged by.
                    tokens.expires_at = match (tokens.expires_at, peek_expiry(token)) {
                        (Some(told), Some(exp)) => Some(told.min(exp)),
                        (told, exp) => told.or(exp),
                    };
                }
                None => tokens.expires_at = Some(Timestamp::from_unix_millis(0)),
            }
        })
    }
}

/// A session as far as its access token tells of it.
fn record(token: Token, claims: &VerifiedClaims) -> Record {
    // Of unknown age it counts as old.
    let obtained_at = claims.issued_at().unwrap_or(Timestamp::from_unix_millis(0));
    let expires_at = claims.expires_at();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let about_the_user =
        claims.claims().iter().filter(|(name, _)| PAGE_CLAIMS.contains(&name.as_str()));
    Record {
        provider: String::new(),
        user: UserKey { iss: text(claims.issuer()), sub: text(claims.subject()) },
        sid: claims.claims().get("sid").and_then(Value::as_str).map(str::to_owned),
        claims: about_the_user.map(|(name, value)| (name.clone(), value.clone())).collect(),
        tokens: TokenSet {
            access_token: token,
            refresh_token: None,
            id_token: None,
            obtained_at,
            expires_at: Some(expires_at),
        },
        created_at: obtained_at,
        absolute_end: expires_at,
        device: Device::default(),
    }
}
