//! `[listen]`: where the gateway accepts connections.

use std::net::SocketAddr;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::report::Report;
use super::tls::{RawTls, TlsConfig};
use super::written::Written;
use crate::network::{Network, NetworkError};

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
    /// A second address, for plain HTTP: who opens a page there is led to the public URL, every other
    /// request is refused. With `tls` only.
    #[schemars(example = &"0.0.0.0:80")]
    pub(super) redirect_from: Option<Written<String>>,
    /// The proxies in front of the gateway, as addresses or networks. What they say in
    /// `X-Forwarded-For` and `X-Forwarded-Proto` is believed; nobody else is.
    #[schemars(extend("examples" = [["10.0.0.0/8"]]))]
    pub(super) trusted_proxies: Vec<Written<String>>,
}

/// Where and how the gateway accepts connections.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// Its address.
    pub address: SocketAddr,
    /// How it speaks TLS; without it, it speaks plain HTTP.
    pub tls: Option<TlsConfig>,
    /// Where plain HTTP is led to https, or refused.
    pub redirect_from: Option<SocketAddr>,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
}

impl Default for RawListen {
    fn default() -> Self {
        Self {
            address: Written::default(DEFAULT),
            allow_plaintext_listen: false,
            tls: None,
            redirect_from: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl RawListen {
    /// `origins` are those that browsers come to, the public one first.
    pub(super) fn check(
        &self,
        folder: &Path,
        origins: &[Url],
        report: &mut Report,
    ) -> Option<ListenConfig> {
        let address = self.check_address(report);
        let redirect_from = self.check_redirect(report);
        let trusted_proxies = self.check_proxies(report);
        let tls = match &self.tls {
            Some(tls) => tls.value.check(folder, origins, report).map(Some),
            None => Some(None),
        };
        if let (Some(tls), Some("http")) = (&self.tls, origins.first().map(Url::scheme)) {
            report
                .wrong(tls.at(), "`tls` is set, but the public url is http")
                .why("browsers that come to http:// would meet a server that speaks TLS")
                .write("[public]\nurl = \"https://…\"; or leave `tls` out");
        }
        Some(ListenConfig {
            address: address?,
            tls: tls?,
            redirect_from: redirect_from?,
            trusted_proxies: trusted_proxies?,
        })
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

    fn check_redirect(&self, report: &mut Report) -> Option<Option<SocketAddr>> {
        let Some(redirect) = &self.redirect_from else { return Some(None) };
        let (at, written) = (redirect.at(), redirect.value.as_str());
        let Ok(address) = written.parse::<SocketAddr>() else {
            report
                .wrong(at, "`redirect_from` is not an IP address with a port")
                .why("it is a second address that the gateway listens on, beside `address`")
                .write("redirect_from = \"0.0.0.0:80\"");
            return None;
        };
        if self.tls.is_none() {
            report
                .wrong(at, "`redirect_from` without `tls`")
                .why("what terminates TLS in front of the gateway has the plain port, too, and redirects there")
                .write("tls = { certificate = \"cert.pem\", key = \"key.pem\" }; or leave `redirect_from` out");
            return None;
        }
        if self.address.value.parse() == Ok(address) {
            report
                .wrong(at, "`redirect_from` is `address` itself")
                .why("one port speaks either TLS or plain HTTP")
                .write("redirect_from = \"0.0.0.0:80\"");
            return None;
        }
        Some(Some(address))
    }

    fn check_proxies(&self, report: &mut Report) -> Option<Vec<Network>> {
        let mut networks = Vec::new();
        let mut fits = true;
        for proxy in &self.trusted_proxies {
            let (why, write) = match Network::parse(&proxy.value) {
                Ok(network) if network.is_wide() => {
                    fits = false;
                    report
                        .wrong(proxy.at(), "`trusted_proxies` has a network wider than /8 (IPv4) or /16 (IPv6)")
                        .why("everybody in it could say who they are, and that they came by https")
                        .write("trusted_proxies = [\"10.1.0.0/16\"] or [\"fd12:3456:789a::/48\"], with the addresses of your proxies alone");
                    continue;
                }
                Ok(network) => {
                    networks.push(network);
                    continue;
                }
                Err(NetworkError::Form) => (
                    "a proxy is known by its IP address; a name could mean several, or change",
                    "trusted_proxies = [\"10.0.0.7\", \"10.1.0.0/16\", \"fd12:3456:789a::/48\"]"
                        .to_owned(),
                ),
                Err(NetworkError::Everybody) => (
                    "anybody could then say who they are, and that they came by https",
                    "trusted_proxies = [\"…\"] with the addresses of your proxies alone".to_owned(),
                ),
                Err(NetworkError::HostBits(meant)) => (
                    "it names one address and a network at once; the network is meant, or the address",
                    format!("trusted_proxies = [\"{meant}\"]"),
                ),
            };
            fits = false;
            report
                .wrong(proxy.at(), "`trusted_proxies` has what is no address and no network")
                .why(why)
                .write(write);
        }
        fits.then_some(networks)
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
