//! What the provider's handlers share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::faults::Faults;
use super::grants::{Grants, ReusePolicy};
use super::keys::SigningKey;
use super::mint::UnsignedToken;
use crate::clock;

/// A test's change to something that is about to be sent.
pub(super) type Change<T> = Option<Arc<dyn Fn(&mut T) + Send + Sync>>;

/// All changes that are in force.
#[derive(Clone, Default)]
pub(super) struct Tamper {
    pub(super) id_token: Change<UnsignedToken>,
    pub(super) token_response: Change<Value>,
    pub(super) authorization_response: Change<Vec<(String, String)>>,
    pub(super) metadata: Change<Value>,
}

/// Applies a change, if there is one.
pub(super) fn apply<T>(change: &Change<T>, to: &mut T) {
    if let Some(change) = change {
        change(to);
    }
}

/// Someone who can log in.
#[derive(Clone)]
pub(super) struct User {
    pub(super) username: String,
    pub(super) password: String,
}

impl User {
    /// The name for people: the user name with a capital.
    pub(super) fn name(&self) -> String {
        let mut letters = self.username.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect())
            .unwrap_or_default()
    }
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Count {
    Discovery,
    Jwks,
    CodeExchange,
    Refresh,
    Revocation,
    Logout,
}

/// What stays as it was built.
pub(super) struct Settings {
    pub(super) users: Vec<User>,
    pub(super) token_lifetime: Duration,
    pub(super) code_lifetime: Duration,
    pub(super) reuse: ReusePolicy,
}

/// What changes.
pub(super) struct State {
    pub(super) clients: Vec<Client>,
    pub(super) keys: Vec<SigningKey>,
    pub(super) grants: Grants,
    pub(super) pending: HashMap<String, super::authorize::Request>,
    pub(super) issued: Vec<String>,
    pub(super) tamper: Tamper,
    counts: HashMap<Count, usize>,
}

impl State {
    pub(super) fn new(clients: Vec<Client>) -> Self {
        let mut state = Self {
            clients,
            keys: Vec::new(),
            grants: Grants::default(),
            pending: HashMap::new(),
            issued: Vec::new(),
            tamper: Tamper::default(),
            counts: HashMap::new(),
        };
        state.add_key();
        state
    }

    pub(super) fn add_key(&mut self) {
        self.keys.push(SigningKey::generate(format!("key-{}", self.keys.len() + 1)));
    }

    pub(super) fn signing_key(&self) -> &SigningKey {
        self.keys.last().expect("the first key is made at once")
    }

    pub(super) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The client of tokens that nobody logged in for.
    pub(super) fn first_client_id(&self) -> String {
        self.clients.first().map_or("testkit", |client| &client.id).to_owned()
    }

    pub(super) fn count(&mut self, what: Count) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// The provider but for its server.
pub(super) struct Shared {
    pub(super) issuer: String,
    pub(super) settings: Settings,
    pub(super) faults: Faults,
    pub(super) state: Mutex<State>,
    /// How far its clock is ahead.
    pub(super) ahead: Mutex<Duration>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the state was held")
    }

    /// The time, since 1970.
    pub(super) fn now(&self) -> Duration {
        clock::now() + *self.ahead.lock().expect("no panic while it was held")
    }

    pub(super) fn count(&self, what: Count) -> usize {
        self.state().counts.get(&what).copied().unwrap_or_default()
    }

    pub(super) fn user(&self, username: &str) -> Option<&User> {
        self.settings.users.iter().find(|user| user.username == username)
    }
}
