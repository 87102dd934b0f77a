//! `[listen]`: where the gateway accepts connections.

use std::net::SocketAddr;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::report::Report;
use super::tls::{RawTls, TlsConfig};
use super::written::Written;

/// The address when none is written.
const DEFAULT: &str = "127.0.0.1:8080";

/// Where the gateway accepts connections.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawListen {
    /// IP address and port. Connections are plain HTTP, or TLS where `tls` names a certificate.
    #[schemars(example = &"127.0.0.1:8080")]
    pub(super) address: Written<String>,
    /// Accept plain HTTP on an address that other machines can reach. Only for a gateway behind
    /// something that terminates TLS: whoever can read that network reads session cookies.
    pub(super) allow_plaintext_listen: bool,
    /// The certificate that the gateway shows, and its key: connections are HTTPS then.
    #[schemars(extend("examples" = [{ "certificate": "cert.pem", "key": "key.pem" }]))]
    pub(super) tls: Option<Written<RawTls>>,
}

/// Where and how the gateway accepts connections.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// Its address.
    pub address: SocketAddr,
    /// How it speaks TLS; without it, it speaks plain HTTP.
    pub tls: Option<TlsConfig>,
}

impl Default for RawListen {
    fn default() -> Self {
        Self { address: Written::default(DEFAULT), allow_plaintext_listen: false, tls: None }
    }
}

impl RawListen {
    pub(super) fn check(
        &self,
        folder: &Path,
        public: Option<&Url>,
        report: &mut Report,
    ) -> Option<ListenConfig> {
        let address = self.check_address(report);
        let tls = match &self.tls {
            Some(tls) => tls.value.check(folder, public, report).map(Some),
            None => Some(None),
        };
        if let (Some(tls), Some("http")) = (&self.tls, public.map(Url::scheme)) {
            report
                .wrong(tls.at(), "`tls` is set, but the public url is http")
                .why("browsers that come to http:// would meet a server that speaks TLS")
                .write("[public]\nurl = \"https://…\"; or leave `tls` out");
        }
        Some(ListenConfig { address: address?, tls: tls? })
    }

    fn check_address(&self, report: &mut Report) -> Option<SocketAddr> {
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
        let plain = self.tls.is_none();
        if plain && !local && !self.allow_plaintext_listen {
            report
                .wrong(at, "`address` can be reached from other machines")
                .why(
                    "connections are plain HTTP: whoever can read that network reads session cookies;\n\
                     it is right only behind something that terminates TLS",
                )
                .write(format!(
                    "tls = {{ certificate = \"cert.pem\", key = \"key.pem\" }}\n\
                     or, behind something that terminates TLS on this machine:\n\
                     address = \"127.0.0.1:{}\"\n\
                     or, behind something that does on another:\n\
                     allow_plaintext_listen = true",
                    address.port()
                ));
            return None;
        }
        if self.allow_plaintext_listen && (local || !plain) {
            let with = if plain { "a loopback address" } else { "`tls`" };
            report.warn(
                "allow_plaintext_listen = true",
                format!(
                    "not needed with {with}; take it out, so that it does not hide a later mistake"
                ),
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
