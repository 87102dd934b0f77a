//! A public key in PEM (RFC 7468).

use base64::{Engine, engine::general_purpose::STANDARD};

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
    const BEGIN: &str = "-----BEGIN ";
    let pem = std::str::from_utf8(pem).map_err(|_| PemError::Malformed)?;
    // Before the block there may be explanatory text (RFC 7468 §2).
    let (_, block) = pem.split_once(BEGIN).ok_or(PemError::Malformed)?;
    let (label, block) = block.split_once("-----").ok_or(PemError::Malformed)?;
    if pem.contains("PRIVATE KEY-----") {
        return Err(PemError::Private);
    }
    let (base64, rest) =
        block.split_once(&format!("-----END {label}-----")).ok_or(PemError::Malformed)?;
    if rest.contains(BEGIN) {
        return Err(PemError::Several);
    }
    let base64: String = base64.split_ascii_whitespace().collect();
    let der = STANDARD.decode(base64).map_err(|_| PemError::Malformed)?;
    match label {
        "PUBLIC KEY" => der::public_key_info(&der),
        "RSA PUBLIC KEY" => der::rsa_public_key(&der),
        "CERTIFICATE" => der::certificate(&der),
        _ => return Err(PemError::Malformed),
    }
    .ok_or(PemError::Unfit)
}
