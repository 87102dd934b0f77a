//! The demo over https: a certificate by the gateway's own command, and the page of the lab that must be
//! of the same site as the gateway's, which to a browser means the same scheme.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::failure::{Failure, While as _};

/// A certificate for `localhost`, in a temporary folder that goes with it.
pub(crate) struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// Calls `cloakroom dev-cert`, as a person would.
    pub(crate) async fn make(gateway: &Path) -> Result<Self, Failure> {
        let folder = TempDir::with_prefix("cloakroom-demo-tls-")
            .doing("the certificate's folder could not be prepared")?;
        let made = Command::new(gateway)
            .args(["dev-cert", "--output"])
            .arg(folder.path())
            .args(["localhost", "127.0.0.1"])
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|cause| Failure::NoGateway { path: gateway.to_owned(), cause })?;
        if !made.status.success() {
            let log = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(Failure::GatewayEnded { status: made.status, log });
        }
        Ok(Self { folder })
    }

    /// The certificate of the authority, for those who shall trust it.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The line of the gateway's configuration.
    pub(crate) fn setting(&self) -> String {
        let path = |name| self.folder.path().join(name).display().to_string();
        format!("tls = {{ certificate = '{}', key = '{}' }}\n", path("cert.pem"), path("key.pem"))
    }

    /// Ends TLS on what `listener` accepts.
    pub(crate) fn secure(&self, listener: TcpListener) -> Result<Listener, Failure> {
        let acceptor = self.acceptor().map_err(io::Error::other);
        let acceptor = acceptor.doing("the demo's own certificate could not be used")?;
        let address = listener.local_addr().doing("a listener has no address")?;
        let (shaken, connections) = mpsc::channel(16);
        tokio::spawn(async move {
            while !shaken.is_closed() {
                let Ok((stream, peer)) = listener.accept().await else { continue };
                let (acceptor, shaken) = (acceptor.clone(), shaken.clone());
                // A browser connects before it has anything to say: the others must not wait for it.
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = shaken.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Listener { connections, address })
    }

    fn acceptor(&self) -> Result<TlsAcceptor, Box<dyn std::error::Error + Send + Sync>> {
        let path = |name| self.folder.path().join(name);
        let chain = CertificateDer::pem_file_iter(path("cert.pem"))?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(path("key.pem"))?;
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Connections whose handshake is done.
pub(crate) struct Listener {
    connections: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
