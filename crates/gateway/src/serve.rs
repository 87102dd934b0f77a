//! Serving until a signal ends it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::StartProblem;
use tokio::net::TcpListener;

use crate::{
    assemble::{AssembleError, assemble},
    config::Config,
    keyring,
    server::{
        Listeners,
        tls::{Files, Tls, TlsError},
    },
    watch,
};

/// How long refreshes and revocations may take to end at shutdown: longer than any provider is given.
const DRAIN: Duration = Duration::from_secs(75);
/// How long the start waits until the process before this one is declared dead; then that goes on beside.
const DECLARE: Duration = Duration::from_secs(3);

/// Why the gateway does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(
        "cannot listen on {address}: {source}. {hint}",
        hint = listen_hint(source, key)
    )]
    Listen { key: &'static str, address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Provider(#[from] StartProblem),
    #[error("the system gives no signals: {0}")]
    Signals(io::Error),
}

/// Serves what `config` describes until SIGINT or SIGTERM, then lets open requests end.
///
/// # Errors
/// When the data folder, the site, the address, or what a provider says of itself cannot be used. A
/// provider that does not answer is no error: the rest serves, and logins work once it does.
pub(crate) async fn serve(config: &Config) -> Result<(), ServeError> {
    let gateway = Arc::new(assemble(config)?);
    let address = config.listen.address;
    let tls =
        config.listen.tls.as_ref().map(|tls| {
            Tls::new(Files { certificate: tls.certificate.clone(), key: tls.key.clone() })
        });
    let tls = tls.transpose()?;
    let main = listen("address", address).await?;
    let plain = match config.listen.redirect_from {
        Some(address) => Some(listen("redirect_from", address).await?),
        None => None,
    };
    let shutdown = shutdown_signal().map_err(ServeError::Signals)?;
    keyring::follow(gateway.cloakroom.clone(), config).map_err(ServeError::Signals)?;
    if let Some(tls) = &tls {
        follow_certificate(tls.clone()).map_err(ServeError::Signals)?;
    }
    gateway.cloakroom.probe_providers().await?;
    let predecessor = gateway.held.as_ref().and_then(|held| held.predecessor);
    if let Some(predecessor) = predecessor {
        let cloakroom = gateway.cloakroom.clone();
        let declared = tokio::spawn(async move { cloakroom.declare_dead(predecessor).await });
        if tokio::time::timeout(DECLARE, declared).await.is_err() {
            tracing::warn!(
                "the store does not answer yet: the refreshes of the process before this one are waited for"
            );
        }
    }
    let housekeeper = tokio::spawn({
        let cloakroom = gateway.cloakroom.clone();
        async move { cloakroom.keep_house().await }
    });
    tracing::info!(%address, public = %config.public_url, tls = tls.is_some(), "listening");
    if let Some(address) = config.listen.redirect_from {
        tracing::info!(%address, "leading plain http to https");
    }
    Arc::clone(&gateway).serve(Listeners { main, tls, plain }, shutdown).await;
    // A refresh that is cut off here would lose its rotated token, and somebody's session.
    if tokio::time::timeout(DRAIN, gateway.cloakroom.drain()).await.is_err() {
        tracing::warn!("some refreshes or revocations were still under way at shutdown");
    }
    housekeeper.abort();
    tracing::info!("stopped");
    Ok(())
}

async fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServeError::Listen { key, address, source })
}

fn listen_hint(source: &io::Error, key: &str) -> String {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return "Ports below 1024 need a permission: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, \
                or a higher port that something forwards to"
            .to_owned();
    }
    format!("Is another program using it? Set `listen.{key}` to a free one")
}

/// Takes over every certificate that is put in the place of the one before, and on SIGHUP.
fn follow_certificate(tls: Tls) -> io::Result<()> {
    let Files { certificate, key } = tls.files().clone();
    watch::on_change(vec![certificate, key], move || {
        if let Err(problem) = tls.reload() {
            let fix = problem.fix();
            tracing::error!(%problem, fix, "the certificate stays as it was");
        }
    })
}

/// The first SIGINT or SIGTERM from now on.
#[cfg(unix)]
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// The first Ctrl-C from now on.
#[cfg(not(unix))]
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler there is no other end than the process's.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
