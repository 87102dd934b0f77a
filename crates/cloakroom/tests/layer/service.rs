//! An axum service that embeds the layer, between a provider and a browser.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension, Json, Router,
    http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE},
    response::IntoResponse,
    routing::{get, post},
};
use cloakroom::{
    AccessTokenSettings, Cloakroom, Clock, CookieSettings, CurrentSession, Hsts, KeySource, Named,
    ProviderKind, ProviderSettings, Route, SessionMode, SessionRule, Settings, SystemClock,
    TokenHeader, Unauthenticated,
    cloakroom_core::{
        cookie::{CookieName, Lifetime, SameSite},
        jwt::Algorithm,
        key::Keyring,
        origin::PublicOrigin,
        random::OsRandom,
        secret::Token,
        session::Timeouts,
        time::Timestamp,
    },
    cloakroom_oauth::{Client, ClientAuth},
    cloakroom_store::{MemoryStore, SessionStore},
};
use cloakroom_testkit::{Browser, Provider, browser::Response, provider};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// The session's timeouts (R32).
pub(crate) const IDLE: Duration = Duration::from_secs(600);
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(4800);

/// Users whose names make sessions of several chunks, and one whose tokens fit no cookie.
pub(crate) const WIDE_USERS: [(&str, usize); 3] = [("w", 500), ("x", 500), ("y", 2400)];

/// Holds the answer of `GET /api/held` back.
#[derive(Default)]
pub(crate) struct Hold {
    pub(crate) came: Notify,
    pub(crate) release: Notify,
}

async fn held_by(hold: Arc<Hold>) {
    hold.came.notify_one();
    hold.release.notified().await;
}

/// An axum service on loopback that embeds the layer.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) provider: Provider,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) cloakroom: Cloakroom,
    pub(crate) keyring: Keyring,
    pub(crate) mode: Mode,
    pub(crate) hold: Arc<Hold>,
    task: JoinHandle<()>,
}

impl Service {
    /// Moves everybody's clock on.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.pass(time);
        self.provider.pass(time);
    }

    /// What a page's client does: where it is told that the token has expired, it asks for a refresh and
    /// repeats. What the refresh answers it takes for the answer where that is none.
    pub(crate) async fn call(&self, browser: &Browser, path: &str) -> Response {
        let url = format!("{}{path}", self.url);
        let answer = browser.fetch("GET", &url).await;
        if answer.problem().as_deref() != Some("token-expired") {
            return answer;
        }
        assert_eq!(self.mode, Mode::Jwt, "elsewhere the layer refreshes");
        assert_eq!(answer.header("cloakroom-session"), Some("expired"));
        let refresh = self.refresh(browser).await;
        if refresh.status.is_success() { browser.fetch("GET", &url).await } else { refresh }
    }

    /// `POST /auth/refresh`.
    pub(crate) async fn refresh(&self, browser: &Browser) -> Response {
        browser.fetch("POST", &format!("{}/auth/refresh", self.url)).await
    }

    /// `POST /auth/logout`, as a fetch that follows.
    pub(crate) async fn log_out(&self, browser: &Browser) -> Response {
        let answer = browser.fetch("POST", &format!("{}/auth/logout", self.url)).await;
        if self.mode != Mode::Jwt {
            return answer;
        }
        assert_eq!(answer.status.as_u16(), 307, "{answer:?}");
        browser.follow(&answer).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn settings(url: &str, issuer: &str) -> Settings {
    let public = PublicOrigin::new(&url.parse().unwrap()).unwrap();
    let client = Client {
        issuer: issuer.to_owned(),
        client_id: "shop".to_owned(),
        auth: ClientAuth::Basic(Token::new("secret")),
        scopes: vec!["openid".to_owned(), "offline_access".to_owned()],
        resource: None,
        authorize_params: Vec::new(),
        allow_missing_pkce_metadata: false,
    };
    let route = |path: &str, session| Route {
        path: path.to_owned(),
        session,
        unauthenticated: Unauthenticated::Auto,
        methods: None,
        token: TokenHeader::default(),
        accept_bearer: false,
    };
    Settings {
        control_prefix: "/auth".to_owned(),
        after_logout: "/".to_owned(),
        cookie: CookieSettings {
            name: CookieName::host("session").unwrap(),
            same_site: SameSite::Lax,
            lifetime: Lifetime::BrowserSession,
            domain: None,
        },
        mode: SessionMode::Server,
        timeouts: Timeouts { idle: IDLE, absolute: ABSOLUTE },
        hsts: Hsts::default(),
        required_header: None,
        allow_origins: Vec::new(),
        csrf_token: None,
        routes: vec![
            route("/", SessionRule::None),
            route("/api", SessionRule::Required),
            route("/maybe", SessionRule::Optional),
        ],
        providers: vec![ProviderSettings {
            name: "default".to_owned(),
            kind: ProviderKind::Oidc(client),
            access_token: Some(AccessTokenSettings {
                issuer: Named::Is(issuer.to_owned()),
                audience: Named::Is("https://api.example.com".to_owned()),
                algorithms: vec![Algorithm::Es256],
                keys: KeySource::IssuerMetadata(issuer.to_owned()),
            }),
        }],
        public,
        also: Vec::new(),
    }
}

/// What the handler behind the layer sees.
async fn seen(session: Option<Extension<CurrentSession>>, headers: HeaderMap) -> Json<Value> {
    Json(json!({
        "user": session.as_ref().map(|session| session.user().sub.clone()),
        "sid": session.as_ref().map(|session| session.sid()),
        "bearer": headers.contains_key("authorization"),
        "cookie": headers.get("cookie").and_then(|cookie| cookie.to_str().ok()),
    }))
}

/// A clock that a test moves on.
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn at_present() -> Self {
        Self(AtomicU64::new(SystemClock.now().as_unix_millis()))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The API's answer while it takes the bearer for expired.
async fn refuse() -> impl IntoResponse {
    let challenge = "Bearer error=\"invalid_token\"";
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)])
}

/// How sessions are kept; every test runs in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Server,
    Sealed,
    Jwt,
}

/// Makes of each function that takes a [`Mode`] a test in every mode.
macro_rules! in_each_mode {
    ($($test:ident),+ $(,)?) => {
        in_each_mode! { @ server Server $($test)+ }
        in_each_mode! { @ sealed Sealed $($test)+ }
        in_each_mode! { @ jwt Jwt $($test)+ }
    };
    (but jwt: $($test:ident),+ $(,)?) => {
        in_each_mode! { @ server Server $($test)+ }
        in_each_mode! { @ sealed Sealed $($test)+ }
    };
    (@ $name:ident $mode:ident $($test:ident)+) => {
        mod $name {
            $(
            #[tokio::test]
            async fn $test() {
                super::$test(crate::service::Mode::$mode).await;
            })+
        }
    };
}
pub(crate) use in_each_mode;

/// A service whose access tokens live for five minutes.
pub(crate) async fn start(mode: Mode) -> Service {
    start_with(mode, |_| {}).await
}

/// The same with other settings.
pub(crate) async fn start_with(mode: Mode, change: impl FnOnce(&mut Settings)) -> Service {
    start_living(mode, Duration::from_secs(300), change).await
}

/// The same with access tokens that live for another time.
pub(crate) async fn start_living(
    mode: Mode,
    lifetime: Duration,
    change: impl FnOnce(&mut Settings),
) -> Service {
    start_on(Arc::new(MemoryStore::new()), mode, lifetime, change).await
}

/// The same in mode `server` on another store.
pub(crate) async fn start_in(store: Arc<dyn SessionStore>) -> Service {
    start_on(store, Mode::Server, Duration::from_secs(300), |_| {}).await
}

async fn start_on(
    store: Arc<dyn SessionStore>,
    mode: Mode,
    lifetime: Duration,
    change: impl FnOnce(&mut Settings),
) -> Service {
    let builder = Provider::builder().user("anna", "pw").user("ben", "pw").token_lifetime(lifetime);
    let builder = WIDE_USERS
        .iter()
        .fold(builder, |builder, (letter, length)| builder.user(&letter.repeat(*length), "pw"));
    let provider = builder.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    provider.add_client(provider::Client::confidential("shop", "secret").gateway(&url));
    let clock = Arc::new(TestClock::at_present());
    let random = Arc::new(OsRandom::default());
    let keyring = Keyring::generate(&*random);
    let mut settings = settings(&url, provider.issuer());
    settings.mode = match mode {
        Mode::Server => SessionMode::Server,
        Mode::Sealed => SessionMode::Sealed,
        Mode::Jwt => SessionMode::Jwt { access_cookie: CookieName::host("access_token").unwrap() },
    };
    change(&mut settings);
    let cloakroom =
        Cloakroom::new(settings, store, keyring.clone(), clock.clone(), random).unwrap();
    cloakroom.probe_providers().await.unwrap();
    let hold = Arc::new(Hold::default());
    let held = Arc::clone(&hold);
    let handlers = Router::new()
        .route("/", get(seen))
        .route("/login", post(crate::token_api::login))
        .route("/api/seen", get(seen).post(seen))
        .route("/api/refuse", get(refuse))
        .route("/api/held", get(move || held_by(held)))
        .route("/maybe/seen", get(seen))
        .layer(cloakroom.layer());
    let task = tokio::spawn(async move { axum::serve(listener, handlers).await.unwrap() });
    Service { url, provider, clock, cloakroom, keyring, mode, hold, task }
}
