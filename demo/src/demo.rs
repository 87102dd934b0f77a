//! Puts the parts together, tells the person what to do, and waits for the end.

use std::fmt::Debug;
use std::io::{self, Write as _};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use cloakroom_testkit::{Client, Provider};

use crate::api::{self, Verifier};
use crate::arrivals::Arrivals;
use crate::failure::{Failure, While as _};
use crate::gateway::{Gateway, Setup};
use crate::lab::{self, Addresses, Pages, User};
use crate::options::Options;
use crate::tls::Certificate;
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
    certificate: Option<Certificate>,
    _provider: Provider,
}

async fn start(options: &Options) -> Result<Demo, Failure> {
    let Options { gateway, site, port, token_lifetime, https, .. } = options;
    if !site.join("index.html").is_file() {
        return Err(Failure::NoPage(site.clone()));
    }
    let pages = Pages::read(&site.join("lab")).map_err(|_| Failure::NoPage(site.clone()))?;
    ports::check(*port)?;

    let certificate = if *https { Some(Certificate::make(gateway).await?) } else { None };
    let scheme = if *https { "https" } else { "http" };
    let app = format!("{scheme}://localhost:{port}");
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
        storage: format!("{scheme}://localhost:{storage_port}"),
        foreign: format!("http://127.0.0.1:{foreign_port}"),
    };
    let setup = Setup {
        app: &addresses.app,
        port: *port,
        certificate: certificate.as_ref(),
        issuer: provider.issuer(),
        client_id: CLIENT_ID,
        upstream: &upstream_url,
    };
    let toml = setup.to_toml();

    let arrivals = Arrivals::default();
    let verifier = Verifier::of(provider.issuer()).await.map_err(Failure::Keys)?;
    let api = api::routes(verifier, arrivals.clone());
    let [user, ..] = USERS;
    let storage_site =
        lab::storage_site(&pages, &addresses, user, provider.mint()).merge(api.clone());
    match &certificate {
        Some(certificate) => serve(certificate.secure(storage)?, storage_site),
        None => serve(storage, storage_site),
    }
    serve(foreign, lab::foreign_site(&pages, &addresses, &upstream_url));
    serve(upstream, api.merge(lab::information(addresses.clone(), toml.clone(), arrivals)));

    let gateway = Gateway::start(gateway, &toml, site, CLIENT_SECRET, *port).await?;
    Ok(Demo { addresses, gateway, certificate, _provider: provider })
}

/// How a browser comes to believe in the demo's certificate.
fn trust_it(certificate: &Certificate, addresses: &Addresses) -> String {
    let authority = certificate.authority();
    let (path, storage) = (authority.display(), &addresses.storage);
    format!(
        "\n\
         The page is served by https with a certificate that no browser knows: click through its warning,\n\
         at {storage} too (the page to compare with), or let it trust the authority\n\
         that this demo has just made, for localhost alone:\n\
         \n\
         ca {path}\n\
         \n\
         Chromium on Linux: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n cloakroom-demo -i {path}\n\
         Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import\n\
         macOS: security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {path}\n\
         Windows: certutil -user -addstore Root {path}\n"
    )
}

/// Serves for as long as the process lives.
fn serve<L: Listener<Addr: Debug>>(listener: L, app: Router) {
    tokio::spawn(async move { axum::serve(listener, app).await });
}

impl Demo {
    /// Tells what to do; the lines `user NAME PASSWORD`, `ca PATH` and `ready URL` are for
    /// scripts too.
    fn announce(&self, options: &Options) {
        let url = &self.addresses.app;
        let users: String = USERS
            .iter()
            .map(|User { name, password }| format!("user {name} {password}\n"))
            .collect();
        let trust = self.certificate.as_ref();
        let trust =
            trust.map(|certificate| trust_it(certificate, &self.addresses)).unwrap_or_default();
        let text = format!(
            "\n\
             Cloakroom's demo runs. Log in with one of these names and passwords:\n\
             \n\
             {users}\n\
             then call the API, and try to steal a token in the attack lab.\n\
             An access token lives {} s. Ctrl-C ends everything.\n\
             {trust}\n\
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
