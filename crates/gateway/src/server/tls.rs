//! TLS: who we are, and the handshake (RFC 8446; TLS 1.2 and 1.3, never 0-RTT).

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::UnixTime,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    certificate::{self, CertificateProblem},
    socket::Socket,
};

/// How long a client may take over the handshake (R71).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP/2 by its name in ALPN (RFC 9113 §3.2).
pub(super) const H2: &[u8] = b"h2";

/// Where the certificate and its key are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Ends TLS with a certificate that may be replaced while connections go on.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    identity: Arc<Identity>,
    files: Files,
}

/// What is shown in the next handshake.
#[derive(Debug)]
struct Identity(ArcSwap<CertifiedKey>);

impl Tls {
    /// With what is in `files` now.
    ///
    /// # Errors
    /// When the files cannot be served with.
    pub(crate) fn new(files: Files) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let identity = Arc::new(Identity(ArcSwap::new(load(&files)?)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&identity) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), identity, files })
    }

    /// Takes over what is in the files now, for the connections to come.
    ///
    /// # Errors
    /// When they cannot be served with: the certificate before stays.
    pub(crate) fn reload(&self) -> Result<(), CertificateProblem> {
        let new = load(&self.files)?;
        let before = self.identity.0.swap(Arc::clone(&new));
        if before.cert != new.cert {
            tracing::info!("a new certificate is in use");
        }
        Ok(())
    }

    /// The files to watch.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// The handshake.
    ///
    /// # Errors
    /// When it fails or takes too long.
    pub(super) async fn handshake(&self, socket: Socket) -> io::Result<TlsStream<Socket>> {
        let accepted = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(socket)).await;
        accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("listen.tls: {problem}. Write {fix}", problem = .0, fix = .0.fix())]
    Certificate(#[from] CertificateProblem),
    #[error("listen.tls: {0}")]
    Setup(#[from] rustls::Error),
}

fn load(files: &Files) -> Result<Arc<CertifiedKey>, CertificateProblem> {
    certificate::load(&files.certificate, &files.key, UnixTime::now())
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}
