//! Why the demo could not be shown, for the person at the terminal.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Every way in which the demo ends other than by Ctrl-C.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Another program listens where the page should be.
    #[error(
        "port {0} is taken by another program.\n\
         Stop that program, or choose another port: cargo demo -- --port {next}",
        next = .0.checked_add(10).unwrap_or(8090)
    )]
    PortTaken(u16),

    /// The port cannot be had for another reason.
    #[error("port {port} cannot be used: {cause}.\nChoose another port: cargo demo -- --port 8090")]
    Port {
        /// The port of the page.
        port: u16,
        /// What the system says.
        cause: io::Error,
    },

    /// The page was not built.
    #[error(
        "there is no built page in {0}: run `npm ci`, `npm run build` and `npm run build -w demo/web`."
    )]
    NoPage(PathBuf),

    /// The gateway's binary cannot be run.
    #[error("the gateway {path} cannot be started: {cause}")]
    NoGateway {
        /// The binary.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },

    /// The gateway ended although nobody asked it to.
    #[error("the gateway ended ({status}). Its last words:\n{log}")]
    GatewayEnded {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },

    /// The gateway runs but does not listen.
    #[error("the gateway does not listen after {seconds} s. Its last words:\n{log}")]
    GatewaySilent {
        /// How long it had.
        seconds: u64,
        /// The last lines of its log.
        log: String,
    },

    /// The API could not get the provider's keys.
    #[error("the provider's signing keys could not be read: {0}")]
    Keys(String),

    /// Anything else that the system refuses.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        cause: io::Error,
    },
}

/// Names what was tried when the system refuses.
pub(crate) trait While<T> {
    /// Turns the system's error into a [`Failure`].
    fn doing(self, what: &'static str) -> Result<T, Failure>;
}

impl<T> While<T> for io::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, Failure> {
        self.map_err(|cause| Failure::System { what, cause })
    }
}
