//! The gateway as a process of its own, in a temporary folder, under the test's control.

mod config;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

pub use config::GatewayConfig;

/// How long a start or an end may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs. Dropping it kills the process and removes its folder.
pub struct Gateway {
    /// First, so that the process is killed before its folder goes.
    process: Option<Process>,
    binary: PathBuf,
    config: GatewayConfig,
    folder: TempDir,
    log: Arc<Mutex<String>>,
}

struct Process {
    child: Child,
    log_reader: JoinHandle<()>,
}

impl Gateway {
    /// Starts `cloakroom run` and waits until it accepts connections.
    ///
    /// # Panics
    /// With the log, if it ends at once or does not listen after 20 seconds.
    pub async fn spawn(binary: impl AsRef<Path>, config: GatewayConfig) -> Self {
        let folder = TempDir::with_prefix("cloakroom-").expect("a temporary folder");
        config.write(folder.path());
        let binary = binary.as_ref().to_owned();
        let mut gateway = Self { binary, config, folder, log: Arc::default(), process: None };
        gateway.run().await;
        gateway
    }

    /// The public URL, `http://localhost:<port>`: another site than the provider's.
    pub fn url(&self) -> &str {
        self.config.public_url()
    }

    /// The public URL of a path: `gateway.at("/api/echo")`.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.config.port()))
    }

    /// Its folder, with `cloakroom.toml`, `dist` and the data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything that it has logged so far, over all its lives.
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic while the log was held").clone()
    }

    /// Ends it without any notice (`SIGKILL`) and waits until it is gone.
    pub async fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().await.expect("a process that can be killed");
            process.log_reader.await.expect("the log is read to its end");
        }
    }

    /// Asks it to end (`SIGTERM`) and waits until it is gone.
    ///
    /// # Panics
    /// If it does not run, or still runs after 20 seconds.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        let mut process = self.process.take().expect("a gateway that runs");
        let ended = tokio::time::timeout(PATIENCE, process.child.wait()).await;
        let status = ended.expect("a gateway that ends when asked").expect("a process of ours");
        process.log_reader.await.expect("the log is read to its end");
        status
    }

    /// Asks it to look at its files again (`SIGHUP`).
    ///
    /// # Panics
    /// If it does not run.
    pub async fn hang_up(&self) {
        self.signal("HUP").await;
    }

    /// Runs it again, in the same folder and on the same port; kills it first if it runs.
    pub async fn restart(&mut self) {
        self.kill9().await;
        self.run().await;
    }

    async fn signal(&self, name: &str) {
        let process = self.process.as_ref().expect("a gateway that runs");
        let id = process.child.id().expect("a process not waited for yet");
        let kill = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status().await;
        assert!(kill.is_ok_and(|status| status.success()), "the process can be signalled");
    }

    async fn run(&mut self) {
        let mut child = Command::new(&self.binary)
            .args(["run", "--config", "cloakroom.toml"])
            .current_dir(self.folder.path())
            .env_remove("RUST_LOG")
            .envs(self.config.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} starts: {error}", self.binary.display()));
        let stderr = child.stderr.take().expect("piped above");
        let log_reader = tokio::spawn(collect(stderr, Arc::clone(&self.log)));
        self.process = Some(Process { child, log_reader });
        self.wait_until_it_listens().await;
    }

    async fn wait_until_it_listens(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(self.address()).await.is_err() {
            let process = self.process.as_mut().expect("set by run");
            if let Some(status) = process.child.try_wait().expect("a process of ours") {
                self.kill9().await;
                panic!("the gateway ended at its start, {status}:\n{}", self.log());
            }
            assert!(start.elapsed() < PATIENCE, "the gateway does not listen:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn collect(stderr: ChildStderr, log: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().expect("no panic while the log was held");
        log.push_str(&line);
        log.push('\n');
    }
}
