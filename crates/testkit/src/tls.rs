//! An authority that signs certificates for tests, and clients that trust it alone.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use time::{Duration, OffsetDateTime};

/// A certificate authority of a test's own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server's certificate and its key, both in PEM.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// One that nobody else trusts.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, "Cloakroom test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority");
        Self { issuer }
    }

    /// Its own certificate in PEM, for those who shall trust it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these host names and IP addresses, good from yesterday on.
    pub fn issue(&self, hosts: &[&str]) -> Issued {
        self.issue_for_days(hosts, -1, 30)
    }

    /// A certificate that is good between two days, counted from today.
    pub fn issue_for_days(&self, hosts: &[&str], from: i64, to: i64) -> Issued {
        let mut params = params(hosts);
        params.not_before = OffsetDateTime::now_utc() + Duration::days(from);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(to);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A client that trusts this authority alone and offers these protocols (ALPN).
    pub fn client_config(&self, protocols: &[&[u8]]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority's certificate");
        let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions that the library knows")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }
}

fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    CertificateParams::new(hosts).expect("host names or IP addresses")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
