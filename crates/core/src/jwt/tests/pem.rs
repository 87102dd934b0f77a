//! Keys in PEM files: which count, and as what (R51).

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{Algorithm, Expectation, JwtError, KeySet, PemError, TokenKind, verify},
    NOW, expect, id_claims,
    signer::Signer,
    with,
};

/// Made by OpenSSL: a key on P-256, and a certificate for it.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2Chh6OOnUQ2WkW1XSAeKe7QSGETM
OYgKgaTSPlkCrnAPyEjUvGsEbSyqysZ/mS9/wS4sJf9TnbFT87mPOcddmQ==
-----END PUBLIC KEY-----
";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBjDCCATOgAwIBAgIUbhB3VqXkluls5U0BeC4DrEtfI0swCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRbG9naW4uZXhhbXBsZS5vcmcwHhcNMjYxMTIzMjI1MjE0WhcN
MjYxMjIzMjI1MjE0WjAcMRowGAYDVQQDDBFsb2dpbi5leGFtcGxlLm9yZzBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABNgoYejjp1ENlpFtV0gHinu0EhhEzDmICoGk
0j5ZAq5wD8hI1LxrBG0sqsrGf5kvf8EuLCX/U52xU/O5jznHXZmjUzBRMB0GA1Ud
DgQWBBQyYc7Hukh/mioCMwFD0dKdN6ahfDAfBgNVHSMEGDAWgBQyYc7Hukh/mioC
MwFD0dKdN6ahfDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIFy+
dE0Zt57Y3gSeHLBjsfzCVrUuf5QIMYbvah/5saPJAiBDZ4dIgTs7nQLJIB01/1x7
2D0RAwUSFIUQMyZw+95zQA==
-----END CERTIFICATE-----
";
/// The same for Ed25519.
const ED25519_PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPPHDnSoUPF6WcwOT8f+6z0Im8/Ac73JkzLXISXlrD90=
-----END PUBLIC KEY-----";
const ED25519_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBLDCB36ADAgECAhRlOf6Ch5gvz94f1RvEr2o+9e5EwTAFBgMrZXAwDDEKMAgG
A1UEAwwBeDAeFw0yNjExMjMyMjUyMTVaFw0yNjEyMjMyMjUyMTVaMAwxCjAIBgNV
BAMMAXgwKjAFBgMrZXADIQA88cOdKhQ8XpZzA5Px/7rPQibz8BzvcmTMtchJeWsP
3aNTMFEwHQYDVR0OBBYEFKgIpPeEZQRkGQr78Us59vU67ah6MB8GA1UdIwQYMBaA
FKgIpPeEZQRkGQr78Us59vU67ah6MA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA
JLAJuk4+SxROvLnyhgViwAQjC4ql9Cjj0gP9yICdqO6j8vR1bPaD37Qh+GEV3+49
L3EeslNeF9MJySwtMZf4DA==
-----END CERTIFICATE-----";
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDVO/szMwCUpSEsLAg2s9V5Ofe
XlG6H7ajsKkEBG5gC75dp1CxveTqFAX0SmszdFuG1q/kDivrbUA4Tse7ct2TaKHQ
o74F4ZQ3hJ0FcAp+d2kDXo34rmbg3Tx907SWU0Y4hVZnDa9pyruJ8JogJhmHgv8Y
Ax++HU3CEV+Y302LuwIDAQAB
-----END PUBLIC KEY-----";
/// One point on P-256, shortened to x and a sign, and in the form that RFC 5480 §2.2 forbids.
const COMPRESSED: &str = "-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACyCTy5Q4qJ44XbzSUDgvFl6usDj7H
xFMAAHPCurOv95E=
-----END PUBLIC KEY-----";
const HYBRID: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAGyCTy5Q4qJ44XbzSUDgvFl6usDj7H
xFMAAHPCurOv95HFYMZMGKkK11axAbTvBdrOUphrPqoM++S1pZdyYLgIrg==
-----END PUBLIC KEY-----";
const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEFB+0VnlYjUHBgse2ihXTcpkjlc6Dr4Jw
+otpjz5h6IRhvLgySBf3bEa37dYoOtvHkrbKOfvCLKAXpdxiGQOYzg==
-----END PUBLIC KEY-----";
const ED448: &str = "-----BEGIN PUBLIC KEY-----
MEMwBQYDK2VxAzoAVM1+T4Jy8RqOl/wz1uhl+obXCIAsVSZfaKnFRdnwg7JOX9gm
b+EmWYP2RBBPzGm8Z3k1wB0JA8qA
-----END PUBLIC KEY-----";

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn read(pem: &str) -> Result<KeySet, PemError> {
    KeySet::from_pem(pem.as_bytes(), None)
}

/// The PKCS#1 structure of such numbers, wrapped as a public key.
fn rsa_pem(modulus: &[u8], exponent: &[u8]) -> String {
    let numbers = [tagged(2, modulus), tagged(2, exponent)].concat();
    pem("RSA PUBLIC KEY", &tagged(0x30, &numbers))
}

/// An element of DER, its length in the shortest form.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    match (high, low) {
        (0, 0..0x80) => [&[tag, low], content].concat(),
        (0, _) => [&[tag, 0x81, low], content].concat(),
        _ => [&[tag, 0x82, high, low], content].concat(),
    }
}

#[test]
fn a_public_key_of_every_algorithm_verifies() {
    for algorithm in Algorithm::ASYMMETRIC {
        let signer = Signer::of(algorithm);
        let mut files = vec![pem("PUBLIC KEY", &signer.public_key_info())];
        if algorithm.name().starts_with(['R', 'P']) {
            files.push(pem("RSA PUBLIC KEY", &signer.rsa_public_key()));
        }
        for file in files {
            let keys = KeySet::from_pem(file.as_bytes(), Some(algorithm)).unwrap();
            assert_eq!(keys.len(), 1);
            for kid in [json!("key-1"), json!("any other"), Value::Null] {
                let header = with(signer.header(), |header| match kid.clone() {
                    Value::Null => drop(header.as_object_mut().unwrap().remove("kid")),
                    kid => header["kid"] = kid,
                });
                let token = signer.sign_with(&header, &id_claims());
                let verdict = verify(&token, &keys, &expect(TokenKind::IdToken), NOW);
                assert!(verdict.is_ok(), "{algorithm:?} {kid}");
            }
            let foreign = Signer::fresh(algorithm).sign(&id_claims());
            let verdict = verify(&foreign, &keys, &expect(TokenKind::IdToken), NOW);
            assert_eq!(verdict.unwrap_err(), JwtError::Signature, "{algorithm:?}");
        }
    }
}

#[test]
fn r51_an_rsa_key_is_for_rs256_unless_said_otherwise() {
    let signer = Signer::of(Algorithm::Ps256);
    let file = pem("PUBLIC KEY", &signer.public_key_info());
    let token = signer.sign(&id_claims());
    let judge = |algorithm| {
        let keys = KeySet::from_pem(file.as_bytes(), algorithm).unwrap();
        verify(&token, &keys, &expect(TokenKind::IdToken), NOW).map(|_| ())
    };
    assert_eq!(judge(None), Err(JwtError::UnknownKey));
    assert_eq!(judge(Some(Algorithm::Ps512)), Err(JwtError::UnknownKey));
    assert_eq!(judge(Some(Algorithm::Ps256)), Ok(()));
}

#[test]
fn a_certificate_is_its_key() {
    for (certificate, key) in [(CERTIFICATE, PUBLIC_KEY), (ED25519_CERTIFICATE, ED25519_PUBLIC_KEY)]
    {
        let (certificate, key) = (read(certificate).unwrap(), read(key).unwrap());
        assert_eq!(certificate.fingerprint(), key.fingerprint());
    }
}

#[test]
fn files_are_read_as_they_come() {
    let expected = read(PUBLIC_KEY).unwrap().fingerprint();
    for file in [
        PUBLIC_KEY.replace('\n', "\r\n"),
        PUBLIC_KEY.trim_end().to_owned(),
        format!("# the login service's key\n\n{PUBLIC_KEY}\n"),
    ] {
        assert_eq!(read(&file).unwrap().fingerprint(), expected, "{file}");
    }
}

#[test]
fn r51_what_is_no_public_key() {
    let body = |text: &str| format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----");
    for (name, file, expected) in [
        ("empty", String::new(), PemError::Malformed),
        ("text", "not a key".to_owned(), PemError::Malformed),
        ("JWK", Signer::of(Algorithm::Es256).jwk().to_string(), PemError::Malformed),
        ("no end", PUBLIC_KEY.replace("-----END", "----"), PemError::Malformed),
        ("another end", PUBLIC_KEY.replace("END PUBLIC", "END RSA PUBLIC"), PemError::Malformed),
        ("no base64", body("ä"), PemError::Malformed),
        ("another label", pem("CERTIFICATE REQUEST", &[0x30, 0]), PemError::Malformed),
        ("no content", body(""), PemError::Unfit),
        ("no DER", body("AAAA"), PemError::Unfit),
        ("two", format!("{PUBLIC_KEY}{PUBLIC_KEY}"), PemError::Several),
        ("one and a half", format!("{PUBLIC_KEY}{}", &PUBLIC_KEY[..60]), PemError::Several),
        ("a chain", format!("{CERTIFICATE}{ED25519_CERTIFICATE}"), PemError::Several),
        ("private", pem("PRIVATE KEY", &[0x30, 0]), PemError::Private),
        ("private RSA", pem("RSA PRIVATE KEY", &[0x30, 0]), PemError::Private),
        ("private EC", pem("EC PRIVATE KEY", &[0x30, 0]), PemError::Private),
        ("encrypted", pem("ENCRYPTED PRIVATE KEY", &[0x30, 0]), PemError::Private),
        ("both", format!("{PUBLIC_KEY}{}", pem("PRIVATE KEY", &[0x30, 0])), PemError::Private),
        ("1024 bits", RSA_1024.to_owned(), PemError::Unfit),
        ("a hybrid point", HYBRID.to_owned(), PemError::Unfit),
        ("secp256k1", SECP256K1.to_owned(), PemError::Unfit),
        ("Ed448", ED448.to_owned(), PemError::Unfit),
        ("certificate as key", CERTIFICATE.replace("CERTIFICATE", "PUBLIC KEY"), PemError::Unfit),
        ("key as certificate", PUBLIC_KEY.replace("PUBLIC KEY", "CERTIFICATE"), PemError::Unfit),
        ("key as PKCS#1", PUBLIC_KEY.replace("PUBLIC KEY", "RSA PUBLIC KEY"), PemError::Unfit),
    ] {
        assert_eq!(read(&file).unwrap_err(), expected, "{name}");
    }
    let latin1 = [PUBLIC_KEY.as_bytes(), b"\xe9"].concat();
    assert_eq!(KeySet::from_pem(&latin1, None).unwrap_err(), PemError::Malformed);
    // A point off the curve: the last bit of y is another.
    let mut info = Signer::of(Algorithm::Es256).public_key_info();
    *info.last_mut().unwrap() ^= 1;
    assert_eq!(read(&pem("PUBLIC KEY", &info)).unwrap_err(), PemError::Unfit);
    assert!(read(COMPRESSED).is_ok());
}

/// aws-lc-rs itself would take the inner one.
#[test]
fn r51_a_key_wrapped_twice_is_no_key() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa] {
        let info = Signer::of(algorithm).public_key_info();
        let start = if info[1] < 0x80 { 2 } else { 3 };
        let identifier = &info[start..start + 2 + usize::from(info[start + 1])];
        let bits = tagged(3, &[&[0], &info[..]].concat());
        let twice = tagged(0x30, &[identifier, &bits].concat());
        assert!(read(&pem("PUBLIC KEY", &info)).is_ok(), "{algorithm:?}");
        assert_eq!(read(&pem("PUBLIC KEY", &twice)).unwrap_err(), PemError::Unfit, "{algorithm:?}");
    }
}

#[test]
fn r51_an_rsa_key_must_be_sound() {
    let modulus = |first: u8, last: u8| {
        let mut modulus = vec![0x55; 257];
        (modulus[0], modulus[1], modulus[256]) = (0, first, last);
        modulus
    };
    let judge = |modulus: &[u8], exponent: &[u8]| read(&rsa_pem(modulus, exponent)).map(|_| ());
    assert_eq!(judge(&modulus(0xff, 1), &[1, 0, 1]), Ok(()));
    for (name, modulus, exponent) in [
        ("e = 1", modulus(0xff, 1), &[1][..]),
        ("e = 0", modulus(0xff, 1), &[0]),
        ("an even e", modulus(0xff, 1), &[2]),
        ("a negative e", modulus(0xff, 1), &[0x81]),
        ("no e", modulus(0xff, 1), &[]),
        ("a leading zero", modulus(0xff, 1), &[0, 3]),
        ("five bytes", modulus(0xff, 1), &[1, 0, 0, 0, 1]),
        ("an even modulus", modulus(0xff, 2), &[1, 0, 1]),
        ("2047 bits", modulus(0x7f, 1), &[1, 0, 1]),
        ("a negative modulus", vec![0xff; 256], &[1, 0, 1]),
    ] {
        assert_eq!(judge(&modulus, exponent), Err(PemError::Unfit), "{name}");
    }
}

#[test]
fn r51_a_pem_key_is_never_for_another_algorithm() {
    let rsa = pem("PUBLIC KEY", &Signer::of(Algorithm::Rs256).public_key_info());
    for algorithm in Algorithm::ALL {
        let p256 = KeySet::from_pem(PUBLIC_KEY.as_bytes(), Some(algorithm));
        let rsa = KeySet::from_pem(rsa.as_bytes(), Some(algorithm));
        assert_eq!(p256.is_ok(), algorithm == Algorithm::Es256, "{algorithm:?}");
        assert_eq!(rsa.is_ok(), algorithm.name().starts_with(['R', 'P']), "{algorithm:?}");
        if let Err(error) = p256 {
            assert_eq!(error, PemError::Algorithm(algorithm.name()));
        }
    }
}

/// The attack that `HS256` is famous for, with the file as the operator has it, and with its DER.
#[test]
fn r51_a_pem_key_as_hmac_secret() {
    let keys = read(PUBLIC_KEY).unwrap();
    let lax = Expectation { algorithms: &Algorithm::ALL, ..expect(TokenKind::IdToken) };
    let (_, block) = PUBLIC_KEY.split_once('\n').unwrap();
    let (base64, _) = block.split_once("\n-").unwrap();
    let der = STANDARD.decode(base64.replace('\n', "")).unwrap();
    for secret in [PUBLIC_KEY.as_bytes(), PUBLIC_KEY.trim_end().as_bytes(), &der] {
        let token = Signer::with_secret(Algorithm::Hs256, secret).sign(&id_claims());
        for expect in [expect(TokenKind::IdToken), lax] {
            let error = verify(&token, &keys, &expect, NOW).unwrap_err();
            assert!(matches!(error, JwtError::Algorithm | JwtError::UnknownKey), "{error}");
        }
    }
}

proptest! {
    /// Any bytes within the block, and any damage to a good one, end in an answer.
    #[test]
    fn arbitrary_der_does_no_harm(
        der in prop::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..600,
        to in any::<u8>(),
    ) {
        for label in ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"] {
            prop_assert!(read(&pem(label, &der)).is_err());
        }
        for good in [PUBLIC_KEY, CERTIFICATE] {
            let mut damaged = good.as_bytes().to_vec();
            let at = at % damaged.len();
            damaged[at] = to;
            let _ = KeySet::from_pem(&damaged, None);
        }
    }
}
