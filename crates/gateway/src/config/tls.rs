//! `[listen] tls`: the certificate that the gateway shows.

use std::path::{Path, PathBuf};

use rustls::pki_types::UnixTime;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::report::Report;
use super::secret::others_may;
use super::written::Written;
use crate::server::certificate::{self, Blamed};

/// The certificate that the gateway shows, and its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    /// The file with the server's certificate and, behind it, those between it and the authority, in
    /// PEM. It is read again when it changes.
    #[schemars(example = &"cert.pem")]
    pub(super) certificate: Written<String>,
    /// The file with the certificate's private key in PEM, without a password.
    #[schemars(example = &"key.pem")]
    pub(super) key: Written<String>,
}

/// Where the certificate and its key are.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

impl RawTls {
    /// Reads the files as they are now. `hosts` are what the certificate must be for.
    pub(super) fn check(
        &self,
        folder: &Path,
        hosts: &[Url],
        report: &mut Report,
    ) -> Option<TlsConfig> {
        let config = TlsConfig {
            certificate: folder.join(&self.certificate.value),
            key: folder.join(&self.key.value),
        };
        let certified = match certificate::load(&config.certificate, &config.key, UnixTime::now()) {
            Ok(certified) => certified,
            Err(problem) => {
                let (key, at) = match problem.blamed() {
                    Blamed::Certificate => ("certificate", self.certificate.at()),
                    Blamed::Key => ("key", self.key.at()),
                };
                report
                    .wrong(at, format!("`{key}`: {problem}"))
                    .why("every browser would turn away")
                    .write(problem.fix());
                return None;
            }
        };
        if others_may(&config.key, 0o006) {
            report.warn(
                format!("key file `{}` is open to every user of this machine", self.key.value),
                format!(
                    "whoever reads it can pretend to be this gateway; chmod 600 {}",
                    self.key.value
                ),
            );
        }
        let mut hosts = hosts.iter().filter_map(Url::host_str);
        if let Some(host) = hosts.find(|host| !certificate::is_for(&certified, host)) {
            report
                .wrong(self.certificate.at(), format!("`certificate` is not for {host}"))
                .why("browsers come to that host: every one of them would turn away")
                .write(format!(
                    "a certificate whose subject alternative names hold {host}; for development: cloakroom dev-cert {host}"
                ));
            return None;
        }
        Some(config)
    }
}
