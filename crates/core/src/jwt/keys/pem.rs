//! A public key in PEM (RFC 7468).

use super::{
    der,
    material::{Material, PublicKey},
};
use crate::jwt::Algorithm;

/// Why a PEM file gives no key; none of its content is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// There is no PEM block, or its base64 is broken.
    #[error("it is not a PEM file with `-----BEGIN PUBLIC KEY-----`")]
    Malformed,
    /// There are several blocks.
    #[error("it holds more than one PEM block; leave only the public key, or only its certificate")]
    Several,
    /// It is a private key, which verifying must not need.
    #[error(
        "it holds a private key; write out the public one with `openssl pkey -in FILE -pubout`"
    )]
    Private,
    /// The key is of an unknown type or curve, off its curve, or RSA of an unfit size or exponent.
    #[error(
        "its key cannot be used; fit are RSA of 2048 to 8192 bits, P-256, P-384, P-521 and Ed25519"
    )]
    Unfit,
    /// The key is not for the algorithm that was asked for.
    #[error("its key is not one for {0}")]
    Algorithm(&'static str),
}

pub(super) fn read(
    pem: &[u8],
    algorithm: Option<Algorithm>,
) -> Result<(Algorithm, Material), PemError> {
    let public_key = public_key(pem)?;
    let native = public_key.native_algorithm();
    let algorithm = algorithm.unwrap_or(native);
    if algorithm != native && !(algorithm.is_rsa() && native.is_rsa()) {
        return Err(PemError::Algorithm(algorithm.name()));
    }
    let material = Material::public(algorithm, &public_key).ok_or(PemError::Unfit)?;
    Ok((algorithm, material))
}

fn public_key(pem: &[u8]) -> Result<PublicKey, PemError> {
    let pem = std::str::from_utf8(pem).map_err(|_| PemError::Malformed)?;
    if pem.contains("PRIVATE KEY-----") {
        return Err(PemError::Private);
    }
    // The parser would pass over what it cannot read behind the first block.
    if pem.matches("-----BEGIN ").count() > 1 {
        return Err(PemError::Several);
    }
    let block = ::pem::parse(pem).map_err(|_| PemError::Malformed)?;
    match block.tag() {
        "PUBLIC KEY" => der::public_key_info(block.contents()),
        "RSA PUBLIC KEY" => der::rsa_public_key(block.contents()),
        "CERTIFICATE" => der::certificate(block.contents()),
        _ => return Err(PemError::Malformed),
    }
    .ok_or(PemError::Unfit)
}
