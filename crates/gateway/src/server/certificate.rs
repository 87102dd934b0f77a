//! A certificate and its key, as they are read from their files.

use std::{fs, io, path::Path, sync::Arc};

use rustls::{
    CertificateError, Error, InconsistentKeys, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject as _},
    },
    server::ParsedCertificate,
    sign::CertifiedKey,
};

/// Which of the two files a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blamed {
    Certificate,
    Key,
}

/// Why a pair of files cannot be served with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateProblem {
    #[error("the certificate's file cannot be read ({})", .0.kind())]
    CertificateFile(io::Error),
    #[error("the key's file cannot be read ({})", .0.kind())]
    KeyFile(io::Error),
    #[error("the certificate's file holds no certificate in PEM")]
    NoCertificate,
    #[error("the key's file holds no private key in PEM")]
    NoKey,
    #[error("the key is encrypted with a password")]
    EncryptedKey,
    #[error("the certificate cannot be used: {0}")]
    BadCertificate(Error),
    #[error("the key cannot be used: {0}")]
    BadKey(Error),
    #[error("the key is not the certificate's")]
    NotThePair,
    #[error("the certificate has expired")]
    Expired,
    #[error("the certificate is not valid yet")]
    NotYetValid,
}

impl CertificateProblem {
    /// The file to look at.
    pub(crate) fn blamed(&self) -> Blamed {
        match self {
            Self::KeyFile(_)
            | Self::NoKey
            | Self::EncryptedKey
            | Self::BadKey(_)
            | Self::NotThePair => Blamed::Key,
            Self::CertificateFile(_)
            | Self::NoCertificate
            | Self::BadCertificate(_)
            | Self::Expired
            | Self::NotYetValid => Blamed::Certificate,
        }
    }

    /// What to do about it.
    pub(crate) fn fix(&self) -> &'static str {
        match self {
            Self::CertificateFile(_) | Self::KeyFile(_) => {
                "a file that the user the gateway runs as may read; relative paths start at the folder of the configuration. For development: cloakroom dev-cert"
            }
            Self::NoCertificate | Self::BadCertificate(_) => {
                "the server's certificate and those between it and the authority, in this order, each as -----BEGIN CERTIFICATE----- (often called fullchain.pem)"
            }
            Self::NoKey | Self::BadKey(_) => {
                "the certificate's private key, RSA, ECDSA or Ed25519, as -----BEGIN PRIVATE KEY----- (often called privkey.pem)"
            }
            Self::EncryptedKey => {
                "the key without its password: openssl pkey -in key.pem -out plain.pem; chmod 600 plain.pem"
            }
            Self::NotThePair => {
                "the files that were issued together; in the certificate's file the server's own must be the first"
            }
            Self::Expired => "a renewed certificate; for development: cloakroom dev-cert --force",
            Self::NotYetValid => {
                "a certificate that is valid now, or this machine's clock set right"
            }
        }
    }
}

/// Reads and judges both files at the time `now`.
///
/// # Errors
/// For the first problem: a server with such a certificate would turn every browser away.
pub(crate) fn load(
    certificate: &Path,
    key: &Path,
    now: UnixTime,
) -> Result<Arc<CertifiedKey>, CertificateProblem> {
    let certificate = fs::read(certificate).map_err(CertificateProblem::CertificateFile)?;
    let key = fs::read(key).map_err(CertificateProblem::KeyFile)?;
    judge(&certificate, &key, now)
}

/// Whether the certificate speaks for `host`, a name or an IP address.
pub(crate) fn is_for(certified: &CertifiedKey, host: &str) -> bool {
    let Ok(name) = ServerName::try_from(host.trim_matches(['[', ']'])) else { return false };
    let parsed = certified.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

fn judge(
    certificate: &[u8],
    key: &[u8],
    now: UnixTime,
) -> Result<Arc<CertifiedKey>, CertificateProblem> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateProblem::NoCertificate)?;
    if chain.is_empty() {
        return Err(CertificateProblem::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        pem::Error::NoItemsFound if is_encrypted(key) => CertificateProblem::EncryptedKey,
        _ => CertificateProblem::NoKey,
    })?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let signing =
        provider.key_provider.load_private_key(key).map_err(CertificateProblem::BadKey)?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(Error::InconsistentKeys(_)) => return Err(CertificateProblem::NotThePair),
        Err(error) => return Err(CertificateProblem::BadCertificate(error)),
    }
    check_time(&certified, now, provider)?;
    Ok(Arc::new(certified))
}

fn is_encrypted(key: &[u8]) -> bool {
    const ENCRYPTED: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    key.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED)
}

/// Asks what a browser would say. It looks at the time before it asks who the issuer is, which only the
/// browser knows: the certificate stands in as its own, and every complaint but those about time is
/// left to the browser.
fn check_time(
    certified: &CertifiedKey,
    now: UnixTime,
    provider: Arc<CryptoProvider>,
) -> Result<(), CertificateProblem> {
    let leaf = certified.end_entity_cert().map_err(CertificateProblem::BadCertificate)?;
    let mut itself = RootCertStore::empty();
    itself.add(leaf.clone().into_owned()).map_err(CertificateProblem::BadCertificate)?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(itself), provider)
        .build()
        .map_err(|_| CertificateProblem::NoCertificate)?;
    let any_name = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
    match verifier.verify_server_cert(leaf, &[], &any_name, &[], now) {
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Err(CertificateProblem::Expired),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Err(CertificateProblem::NotYetValid),
        _ => Ok(()),
    }
}
