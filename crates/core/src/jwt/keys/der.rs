//! Public keys in DER; the reading of it is RustCrypto's.

use pkcs1::RsaPublicKeyRef;
use x509_cert::{
    Certificate,
    der::{
        Decode, Encode,
        oid::db::{
            rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1},
            rfc8410::ID_ED_25519,
        },
    },
    spki::SubjectPublicKeyInfoRef,
};

use super::material::PublicKey;
use crate::jwt::Algorithm;

/// `SubjectPublicKeyInfo` (RFC 5280 §4.1), nothing after it.
pub(super) fn public_key_info(der: &[u8]) -> Option<PublicKey> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let key = info.subject_public_key.as_bytes()?;
    let algorithm = match info.algorithm.oid {
        RSA_ENCRYPTION => return rsa_public_key(key),
        // RFC 8410 §3: no parameters.
        ID_ED_25519 if info.algorithm.parameters.is_none() => Algorithm::EdDsa,
        ID_EC_PUBLIC_KEY => match info.algorithm.parameters_oid().ok()? {
            SECP_256_R_1 => Algorithm::Es256,
            SECP_384_R_1 => Algorithm::Es384,
            SECP_521_R_1 => Algorithm::Es512,
            _ => return None,
        },
        _ => return None,
    };
    Some(PublicKey::Curve(algorithm, key.to_vec()))
}

/// `RSAPublicKey` (RFC 8017 §A.1.1), nothing after it.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<PublicKey> {
    let key = RsaPublicKeyRef::from_der(der).ok()?;
    Some(PublicKey::Rsa {
        modulus: key.modulus.as_bytes().to_vec(),
        exponent: key.public_exponent.as_bytes().to_vec(),
    })
}

/// The public key in a `Certificate`, of which nothing else is believed.
pub(super) fn certificate(der: &[u8]) -> Option<PublicKey> {
    let certificate = Certificate::from_der(der).ok()?;
    let info = certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
    public_key_info(&info)
}
