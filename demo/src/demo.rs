//! Puts the parts together, tells the person what to do, and waits for the end.

use std::io::{self, Write as _};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use cloakroom_testkit::{Client, Provider};
use tokio::net::TcpListener;

use crate::api::{self, Verifier};
use crate::arrivals::Arrivals;
use crate::failure::{Failure, While as _};
use crate::gateway::{Gateway, Setup};
use crate::lab::{self, Addresses, Pages, User};
use crate::options::Options;
use crate::{browser, ports, signals};

const USERS: [User; 2] =
    [User { name: "ada", password: "analytical" }, User { name: "grace", password: "compiler" }];

const CLIENT_ID: &str = "demo-shop";
/// Known to everybody who reads this: the provider is one for development, on loopback.
const CLIENT_SECRET: &str = "a secret between the demo's gateway and its provider";

/// Shows the demo until a signal ends it.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let mut end = pin!(signals::end());
    let mut demo = tokio::select! {
        () = &mut end => return Ok(()),
        started = start(options) => started?,
    };
    demo.announce(options);
    let ended = tokio::select! {
        // Ctrl-C reaches the gateway too: its end is then no failure.
        biased;
        () = &mut end => Ok(()),
        failure = demo.gateway.ended() => Err(failure),
    };
    demo.gateway.stop().await;
    ended
}

/// Everything that runs.
struct Demo {
    addresses: Addresses,
    gateway: Gateway,
    _provider: Provider,
}

async fn start(options: &Options) -> Result<Demo, Failure> {
    let Options { gateway, site, port, token_lifetime, .. } = options;
    if !site.join("index.html").is_file() {
        return Err(Failure::NoPage(site.clone()));
    }
    let pages = Pages::read(&site.join("lab")).map_err(|_| Failure::NoPage(site.clone()))?;
    ports::check(*port)?;

    let app = format!("http://localhost:{port}");
    let provider = USERS
        .iter()
        .fold(Provider::builder(), |provider, user| provider.user(user.name, user.password))
        .client(Client::confidential(CLIENT_ID, CLIENT_SECRET).gateway(&app))
        .port(ports::near(*port, 1))
        .token_lifetime(Duration::from_secs((*token_lifetime).into()))
        .try_start()
        .await
        .doing("the provider could not be started")?;

    let (storage, storage_port) = ports::listen(ports::near(*port, 2)).await?;
    let (foreign, foreign_port) = ports::listen(ports::near(*port, 3)).await?;
    let (upstream, upstream_port) = ports::listen(0).await?;
    let upstream_url = format!("http://127.0.0.1:{upstream_port}");
    let addresses = Addresses {
        app,
        storage: format!("http://localhost:{storage_port}"),
        foreign: format!("http://127.0.0.1:{foreign_port}"),
    };
    let setup = Setup {
        port: *port,
        issuer: provider.issuer(),
        client_id: CLIENT_ID,
        upstream: &upstream_url,
    };
    let toml = setup.to_toml();

    let arrivals = Arrivals::default();
    let verifier = Verifier::of(provider.issuer()).await.map_err(Failure::Keys)?;
    let api = api::routes(verifier, arrivals.clone());
    let [user, ..] = USERS;
    serve(storage, lab::storage_site(&pages, &addresses, user, provider.mint()).merge(api.clone()));
    serve(foreign, lab::foreign_site(&pages, &addresses, &upstream_url));
    serve(upstream, api.merge(lab::information(addresses.clone(), toml.clone(), arrivals)));

    let gateway = Gateway::start(gateway, &toml, site, CLIENT_SECRET, *port).await?;
    Ok(Demo { addresses, gateway, _provider: provider })
}

/// Serves for as long as the process lives.
fn serve(listener: TcpListener, app: Router) {
    tokio::spawn(async move { axum::serve(listener, app).await });
}

impl Demo {
    /// Tells what to do; the lines `user NAME PASSWORD` and `ready URL` are for scripts too.
    fn announce(&self, options: &Options) {
        let url = &self.addresses.app;
        let users: String = USERS
            .iter()
            .map(|User { name, password }| format!("user {name} {password}\n"))
            .collect();
        let text = format!(
            "\n\
             Cloakroom's demo runs. Log in as one of\n\
             \n\
             {users}\n\
             then call the API, and try to steal a token in the attack lab.\n\
             An access token lives {} s. Ctrl-C ends everything.\n\
             \n\
             ready {url}\n",
            options.token_lifetime
        );
        // Nobody may be listening any more: the demo goes on.
        let _ = io::stdout().write_all(text.as_bytes());
        if !options.no_open {
            browser::open(url);
        }
    }
}
