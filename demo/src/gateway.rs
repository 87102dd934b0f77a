//! The gateway as a child process, in a temporary folder.

use std::collections::VecDeque;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

use crate::failure::{Failure, While as _};
use crate::tls::Certificate;

/// How many lines of its log are kept.
const LAST_LINES: usize = 20;
/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// The name of the environment variable with the client's secret.
pub(crate) const SECRET_VARIABLE: &str = "DEMO_CLIENT_SECRET";

/// The addresses in the gateway's configuration.
pub(crate) struct Setup<'a> {
    /// The page's origin.
    pub(crate) app: &'a str,
    /// Its port.
    pub(crate) port: u16,
    /// The certificate that it is served with, if it is https.
    pub(crate) certificate: Option<&'a Certificate>,
    /// The provider's issuer.
    pub(crate) issuer: &'a str,
    /// The client's id at the provider.
    pub(crate) client_id: &'a str,
    /// Where the API listens.
    pub(crate) upstream: &'a str,
}

impl Setup<'_> {
    /// `cloakroom.toml`, as the page shows it too.
    pub(crate) fn to_toml(&self) -> String {
        let Self { app, port, certificate, issuer, client_id, upstream } = self;
        let tls = certificate.map(Certificate::setting).unwrap_or_default();
        format!(
            r#"[public]
url = "{app}"

[listen]
address = "127.0.0.1:{port}"
{tls}
[[provider]]
issuer = "{issuer}"
client_id = "{client_id}"
client_secret = {{ env = "{SECRET_VARIABLE}" }}

# The API gets the session's access token as a bearer token.
[[route]]
path = "/api"
upstream = "{upstream}"

# The attack lab asks here what has reached the API; that needs no session.
[[route]]
path = "/lab"
upstream = "{upstream}"
session = "none"
methods = ["GET"]

[site]
dir = "dist"
"#
        )
    }
}

/// A gateway that runs. Dropping it kills the process and removes its folder.
pub(crate) struct Gateway {
    child: Child,
    log: Log,
    log_reader: JoinHandle<()>,
    folder: TempDir,
}

impl Gateway {
    /// Starts `cloakroom run` for the page in `site` and waits until it listens on `port`.
    pub(crate) async fn start(
        binary: &Path,
        toml: &str,
        site: &Path,
        secret: &str,
        port: u16,
    ) -> Result<Self, Failure> {
        let doing = "the gateway's folder could not be prepared";
        let folder = TempDir::with_prefix("cloakroom-demo-").doing(doing)?;
        let config = folder.path().join("cloakroom.toml");
        fs::write(&config, toml).doing(doing)?;
        copy_page(site, &folder.path().join("dist")).doing(doing)?;

        // It starts in its own folder: a relative path would mean another file there.
        let program = std::path::absolute(binary).doing(doing)?;
        let mut child = Command::new(program)
            .arg("run")
            .arg("--config")
            .arg(&config)
            .current_dir(folder.path())
            .env(SECRET_VARIABLE, secret)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| Failure::NoGateway { path: binary.to_owned(), cause })?;
        let log = Log::default();
        let log_reader = match child.stderr.take() {
            Some(stderr) => tokio::spawn(read(stderr, log.clone())),
            None => tokio::spawn(async {}),
        };
        let mut gateway = Self { child, log, log_reader, folder };
        gateway.wait_until_it_listens(port).await?;
        Ok(gateway)
    }

    /// Waits for the gateway's end, which nobody has asked for.
    pub(crate) async fn ended(&mut self) -> Failure {
        match self.child.wait().await {
            Ok(status) => {
                // The rest of its log is in the pipe still.
                let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.log_reader).await;
                Failure::GatewayEnded { status, log: self.log.last_lines() }
            }
            Err(cause) => Failure::System { what: "the gateway cannot be waited for", cause },
        }
    }

    /// Ends the process and removes its folder.
    pub(crate) async fn stop(mut self) {
        let _ = self.child.kill().await;
        let _ = self.folder.close();
    }

    async fn wait_until_it_listens(&mut self, port: u16) -> Result<(), Failure> {
        let listens = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = listens => return Ok(()),
            failure = self.ended() => return Err(failure),
            () = tokio::time::sleep(PATIENCE) => {}
        }
        Err(Failure::GatewaySilent { seconds: PATIENCE.as_secs(), log: self.log.last_lines() })
    }
}

/// The last lines that the gateway has logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn last_lines(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}

async fn read(stderr: ChildStderr, log: Log) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.push(line);
    }
}

/// Copies the built page without the lab's pages, which belong to other origins.
fn copy_page(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            fs::copy(source, target)?;
        } else if entry.file_name() != "lab" {
            copy_page(&source, &target)?;
        }
    }
    Ok(())
}
