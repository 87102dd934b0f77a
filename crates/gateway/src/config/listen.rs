//! `[listen]`: where the gateway accepts connections.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;
use super::written::Written;

/// The address when none is written.
const DEFAULT: &str = "127.0.0.1:8080";

/// Where the gateway accepts connections.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawListen {
    /// IP address and port. Connections are plain HTTP.
    #[schemars(example = &"127.0.0.1:8080")]
    pub(super) address: Written<String>,
    /// Accept plain HTTP on an address that other machines can reach. Only for a gateway behind
    /// something that terminates TLS: whoever can read that network reads session cookies.
    pub(super) allow_plaintext_listen: bool,
}

impl Default for RawListen {
    fn default() -> Self {
        Self { address: Written::default(DEFAULT), allow_plaintext_listen: false }
    }
}

impl RawListen {
    pub(super) fn check(&self, report: &mut Report) -> Option<SocketAddr> {
        let at = self.address.at();
        let written = self.address.value.as_str();
        let Ok(address) = written.parse::<SocketAddr>() else {
            report
                .wrong(at, "`address` is not an IP address with a port")
                .why("the gateway listens on one address; a name could mean several, or change")
                .write(format!("address = \"{}\"", meant(written)));
            return None;
        };
        let local = address.ip().is_loopback();
        if !local && !self.allow_plaintext_listen {
            report
                .wrong(at, "`address` can be reached from other machines")
                .why(
                    "connections are plain HTTP: whoever can read that network reads session cookies;\n\
                     it is right only behind something that terminates TLS",
                )
                .write(format!(
                    "address = \"127.0.0.1:{}\", or below it\nallow_plaintext_listen = true",
                    address.port()
                ));
            return None;
        }
        if self.allow_plaintext_listen && local {
            report.warn(
                "allow_plaintext_listen = true",
                "not needed with a loopback address; take it out, so that it does not hide a later mistake",
            );
        } else if self.allow_plaintext_listen {
            report.warn(
                format!("allow_plaintext_listen = true ({address})"),
                "session cookies travel in clear between whatever terminates TLS and the gateway",
            );
        }
        Some(address)
    }
}

/// What a name, a lone port or a lone address probably means.
fn meant(written: &str) -> String {
    if let Ok(ip) = written.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
        return SocketAddr::from((ip, 8080)).to_string();
    }
    let port = written.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    format!("127.0.0.1:{}", port.unwrap_or(8080))
}
