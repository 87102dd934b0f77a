//! A JSON login service in this process, as many Express applications have one: it signs JWTs itself,
//! rotates refresh tokens, and knows no OAuth.
//!
//! | route | what it does |
//! |---|---|
//! | `/api/login`, any method | `username` and `password` as JSON or form, or in the query → `{"user":{…},"token":…,"refreshToken":…,"expiresIn":…}`, else 401 `{"error":…}` |
//! | `POST /api/refresh` | `{"refreshToken":…}` → the same without `user`; a token that comes twice ends its login: 401 |
//! | `POST /api/logout` | ends the login of the bearer token: 204 |
//! | `/api/whoami` | the claims of the token in `Authorization: Bearer` or `X-Access-Token`, else 401 |
//! | `/api/echo` | JSON of `method`, `target`, `headers` and `body` as received |
//!
//! Login and `whoami` are at `/<any name>/api/…` too. It records every request, and misbehaves by [script](crate::Fault).

mod logins;
mod routes;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use crate::provider::faults::{Faults, Script, Step};
use crate::server::{Server, listen};
use crate::upstream::Recorded;
use crate::upstream::record::Record;
use logins::Logins;

/// What the service signs with (HS256).
pub const SECRET: &str = "kozk0GgUTh0vnPi6tNqkj8LvXxtgjVgeEB3OYM2hWHbolQN+";

/// An answer in place of the service's own.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// 200, unless it is another one.
    pub status: Option<u16>,
    /// Further headers; without a `content-type` among them it is `application/json`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The tokens of one answer. No `Debug`: they are secrets.
#[derive(Clone)]
pub struct Issued {
    /// A JWT.
    pub access_token: String,
    /// An opaque text.
    pub refresh_token: String,
    /// The service's own answer.
    pub answer: Value,
}

type Rewrite = Arc<dyn Fn(&Issued) -> Answer + Send + Sync>;

/// What the handlers share.
pub(crate) struct Shared {
    faults: Faults,
    record: Arc<Record>,
    state: Mutex<State>,
    refreshes: AtomicUsize,
    logouts: AtomicUsize,
}

struct State {
    logins: Logins,
    rewrite: Option<Rewrite>,
    lifetime: Duration,
    issued: Vec<String>,
}

/// A running service on 127.0.0.1; dropping it stops it. Its users' password is `open sesame`.
pub struct LoginService {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Server,
}

impl LoginService {
    /// Starts on a free port; access tokens live five minutes.
    pub async fn start() -> Self {
        let (listener, address) = listen(0).await.expect("a free port");
        let shared = Arc::new(Shared {
            faults: Faults::new(),
            record: Arc::default(),
            state: Mutex::new(State {
                logins: Logins::default(),
                rewrite: None,
                lifetime: Duration::from_secs(300),
                issued: Vec::new(),
            }),
            refreshes: AtomicUsize::new(0),
            logouts: AtomicUsize::new(0),
        });
        let app = routes::router(Arc::clone(&shared));
        Self { address, shared, server: Server::start(listener, app) }
    }

    /// Where it listens, for a route's `upstream`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How long access tokens live that are issued from now on.
    pub fn tokens_live(&self, lifetime: Duration) {
        self.shared.state().lifetime = lifetime;
    }

    /// Spoils the next login, or with [`crate::Fault::always`] each of them.
    pub fn on_login(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::Login, fault.into());
    }

    /// Spoils the next refresh.
    pub fn on_refresh(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::Refresh, fault.into());
    }

    /// Answers good logins so, until [`heal`](Self::heal).
    pub fn answer_logins(&self, answer: impl Fn(&Issued) -> Answer + Send + Sync + 'static) {
        self.shared.state().rewrite = Some(Arc::new(answer));
    }

    /// Ends all faults and other answers.
    pub fn heal(&self) {
        self.shared.faults.heal();
        self.shared.state().rewrite = None;
    }

    /// Closes every connection, open or new, without an answer, or ends that.
    pub fn set_down(&self, down: bool) {
        self.server.set_down(down);
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.record.requests()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.record.forget();
    }

    /// Refresh requests, failed ones too.
    pub fn refreshes(&self) -> usize {
        self.shared.refreshes.load(Ordering::SeqCst)
    }

    /// Logout requests with a good token.
    pub fn logouts(&self) -> usize {
        self.shared.logouts.load(Ordering::SeqCst)
    }

    /// Logins that can still be refreshed.
    pub fn live_logins(&self) -> usize {
        self.shared.state().logins.live()
    }

    /// Every token ever issued.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.shared.state().issued.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the state was held")
    }
}
