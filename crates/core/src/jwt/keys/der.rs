//! As much DER as a public key needs (X.690 §8, RFC 5280 §4.1, RFC 8017 §A.1.1, RFC 8410 §4).

use super::material::PublicKey;
use crate::jwt::Algorithm;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The version in a certificate.
const CONTEXT_0: u8 = 0xa0;

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 34];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0, 35];

/// `SubjectPublicKeyInfo`, nothing after it.
pub(super) fn public_key_info(der: &[u8]) -> Option<PublicKey> {
    let mut info = Reader(der).only(SEQUENCE)?;
    let mut identifier = Reader(info.take(SEQUENCE)?);
    let Some([0, key @ ..]) = info.last(BIT_STRING) else { return None };
    let algorithm = identifier.take(OBJECT_IDENTIFIER)?;
    if algorithm == RSA_ENCRYPTION {
        return rsa_public_key(key);
    }
    if algorithm == ED25519 {
        return identifier.0.is_empty().then(|| PublicKey::Curve(Algorithm::EdDsa, key.to_vec()));
    }
    if algorithm != EC_PUBLIC_KEY {
        return None;
    }
    let curve = identifier.last(OBJECT_IDENTIFIER)?;
    let known = [(P256, Algorithm::Es256), (P384, Algorithm::Es384), (P521, Algorithm::Es512)];
    let (_, algorithm) = known.into_iter().find(|(oid, _)| *oid == curve)?;
    Some(PublicKey::Curve(algorithm, key.to_vec()))
}

/// `RSAPublicKey`, nothing after it.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<PublicKey> {
    let mut key = Reader(der).only(SEQUENCE)?;
    let modulus = key.take(INTEGER)?;
    let exponent = key.last(INTEGER)?;
    Some(PublicKey::Rsa { modulus: natural(modulus)?, exponent: natural(exponent)? })
}

/// The public key in a `Certificate`, of which nothing else is believed.
pub(super) fn certificate(der: &[u8]) -> Option<PublicKey> {
    let mut certificate = Reader(Reader(der).only(SEQUENCE)?.take(SEQUENCE)?);
    if certificate.0.first() == Some(&CONTEXT_0) {
        certificate.take(CONTEXT_0)?;
    }
    certificate.take(INTEGER)?;
    for _signature_issuer_validity_subject in 0..4 {
        certificate.take(SEQUENCE)?;
    }
    public_key_info(certificate.take_whole(SEQUENCE)?)
}

/// An INTEGER that is not negative, without the zero that says so.
fn natural(integer: &[u8]) -> Option<Vec<u8>> {
    match integer {
        [first, ..] if *first >= 0x80 => None,
        [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Some(rest.to_vec()),
        _ => Some(integer.to_vec()),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let header = self.header(tag)?;
        self.take_whole(tag).map(|element| &element[header..])
    }

    /// The next element with its tag and length.
    fn take_whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let header = self.header(tag)?;
        let end = header.checked_add(self.length()?)?;
        let (element, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(element)
    }

    /// The content of the next element, after which nothing may come.
    fn last(&mut self, tag: u8) -> Option<&'a [u8]> {
        let content = self.take(tag)?;
        self.0.is_empty().then_some(content)
    }

    fn only(mut self, tag: u8) -> Option<Reader<'a>> {
        self.last(tag).map(Reader)
    }

    /// Bytes of the tag and the length.
    fn header(&self, tag: u8) -> Option<usize> {
        match self.0 {
            [first, ..] if *first != tag => None,
            [_, 0..=0x7f, ..] => Some(2),
            [_, 0x81, ..] => Some(3),
            [_, 0x82, ..] => Some(4),
            _ => None,
        }
    }

    fn length(&self) -> Option<usize> {
        match *self.0 {
            [_, short @ 0..=0x7f, ..] => Some(usize::from(short)),
            [_, 0x81, length, ..] => Some(usize::from(length)),
            [_, 0x82, high, low, ..] => Some(usize::from(u16::from_be_bytes([high, low]))),
            _ => None,
        }
    }
}
