//! `cloakroom dev-cert`: a certificate for development, and an authority that stands for nothing else.
//!
//! The authority's key exists only while the command runs, and the authority is limited to the names that
//! it was made for: whoever trusts it can be deceived about those hosts by nobody but who has `key.pem`,
//! and about no other host at all.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    path::Path,
};

use cloakroom::{Clock as _, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    SanType,
};
use time::{Duration, OffsetDateTime};

use crate::cli::DevCert;
use crate::commands::Failure;

/// As long as browsers take a certificate at most (CA/Browser Forum, 398 days).
const LIFE: Duration = Duration::days(397);
/// Clocks that run behind.
const BACKDATED: Duration = Duration::hours(1);

/// Writes `ca.pem`, `cert.pem` and `key.pem`, and says how to use and to trust them.
///
/// # Errors
/// If a host is none, if there are such files already and `--force` is not given, or if they cannot be
/// written.
pub(crate) fn dev_cert(options: &DevCert, out: &mut dyn Write) -> Result<(), Failure> {
    let now = i64::try_from(SystemClock.now().as_unix_seconds()).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let made = make(&options.hosts, now)?;
    let folder = &options.output;
    let files = [
        ("ca.pem", &made.authority, 0o644),
        ("cert.pem", &made.certificate, 0o644),
        ("key.pem", &made.key, 0o600),
    ];
    let taken = files.iter().map(|(name, ..)| folder.join(name));
    if let Some(path) = taken.into_iter().find(|path| path.symlink_metadata().is_ok())
        && !options.force
    {
        return Err(Failure::Exists { path });
    }
    fs::create_dir_all(folder).map_err(|source| Failure::Write { path: folder.clone(), source })?;
    for (name, content, mode) in files {
        let path = folder.join(name);
        write_anew(&path, content, mode).map_err(|source| Failure::Write { path, source })?;
    }
    let shown = std::path::absolute(folder.join("ca.pem")).unwrap_or(folder.join("ca.pem"));
    out.write_all(next_steps(&options.hosts, folder, &shown, now).as_bytes())?;
    Ok(())
}

/// An authority's certificate, and one of its own with the key; all in PEM.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn make(hosts: &[String], now: OffsetDateTime) -> Result<Made, Failure> {
    let mut leaf = CertificateParams::new(hosts).map_err(Failure::Certificate)?;
    for (host, name) in hosts.iter().zip(&leaf.subject_alt_names) {
        if matches!(name, SanType::DnsName(_)) && !is_host_name(host) {
            return Err(Failure::Host { host: host.clone() });
        }
    }
    let date = now.date();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(
        DnType::CommonName,
        format!("Cloakroom development authority {date} for {}", hosts.join(", ")),
    );
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.name_constraints = Some(NameConstraints {
        excluded_subtrees: excluded(hosts),
        permitted_subtrees: hosts.iter().map(|host| permitted(host)).collect(),
    });
    leaf.distinguished_name.push(DnType::CommonName, "Cloakroom development certificate");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for params in [&mut authority, &mut leaf] {
        (params.not_before, params.not_after) = (now - BACKDATED, now - BACKDATED + LIFE);
    }
    let authority =
        KeyPair::generate().and_then(|key| CertifiedIssuer::self_signed(authority, key));
    let authority = authority.map_err(Failure::Certificate)?;
    let key = KeyPair::generate().map_err(Failure::Certificate)?;
    let certificate = leaf.signed_by(&key, &authority).map_err(Failure::Certificate)?;
    Ok(Made {
        authority: authority.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// What the authority may speak for. A name stands for all below it, too (RFC 5280 §4.2.1.10).
fn permitted(host: &str) -> GeneralSubtree {
    match host.parse::<IpAddr>() {
        Ok(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
        }
        Err(_) => GeneralSubtree::DnsName(host.trim_start_matches("*.").to_owned()),
    }
}

/// All names where there are only addresses, and all addresses where there are only names: what is
/// permitted of the one kind says nothing of the other (RFC 5280 §4.2.1.10).
fn excluded(hosts: &[String]) -> Vec<GeneralSubtree> {
    let addresses = hosts.iter().filter(|host| host.parse::<IpAddr>().is_ok()).count();
    let mut excluded = Vec::new();
    if addresses == 0 {
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])));
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
    }
    if addresses == hosts.len() {
        excluded.push(GeneralSubtree::DnsName(String::new()));
    }
    excluded
}

/// Letters, digits and hyphens between dots. The first part may be `*` where two more follow: with fewer,
/// many clients take the whole certificate for broken.
fn is_host_name(host: &str) -> bool {
    let host = match host.strip_prefix("*.") {
        Some(below) if !below.contains('.') => return false,
        Some(below) => below,
        None => host,
    };
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// Takes the place of what is there, and follows no link.
fn write_anew(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(content.as_bytes())
}

fn next_steps(hosts: &[String], folder: &Path, ca: &Path, now: OffsetDateTime) -> String {
    let here = folder == Path::new(".");
    let within = |name: &str| {
        if here { name.to_owned() } else { folder.join(name).display().to_string() }
    };
    let (certificate, key, ca) = (within("cert.pem"), within("key.pem"), ca.display());
    let until = (now - BACKDATED + LIFE).date();
    let first = hosts.first().map_or("localhost", String::as_str);
    let url_host = if first.contains(':') { format!("[{first}]") } else { first.to_owned() };
    format!(
        "\
Wrote ca.pem, cert.pem and key.pem for {names}, good until {until}. For development only.

In cloakroom.toml:

  [public]
  url = \"https://{url_host}:8443\"

  [listen]
  address = \"127.0.0.1:8443\"
  tls = {{ certificate = \"{certificate}\", key = \"{key}\" }}

To trust it, give ca.pem to the system or the browser. Its own key is not kept, and it stands for these
hosts alone: nobody can make certificates for others with it.

  Debian, Ubuntu   sudo cp {ca} /usr/local/share/ca-certificates/cloakroom-dev.crt && sudo update-ca-certificates
  Fedora           sudo trust anchor {ca}
  Chromium, Linux  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n cloakroom-dev -i {ca}
  Firefox          Settings, Privacy & Security, View Certificates, Authorities, Import
  macOS            security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {ca}
  Windows          certutil -user -addstore Root {ca}
  curl             curl --cacert {ca} https://{url_host}:8443/
  Node             NODE_EXTRA_CA_CERTS={ca} node …

When you are done, take it away again in the same place (certutil -D -d sql:$HOME/.pki/nssdb -n cloakroom-dev).
",
        names = hosts.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        let makes = |host: &str| make(&[host.to_owned()], OffsetDateTime::UNIX_EPOCH).is_ok();
        for host in ["localhost", "shop.test", "*.shop.test", "127.0.0.1", "::1", "a-1.test"] {
            assert!(makes(host), "{host}");
        }
        for host in [
            "",
            "https://shop.test",
            "shop.test:8443",
            "shop test",
            "*",
            "*.test",
            "a.*.test",
            "-a.test",
            "ä.test",
            "[::1]",
            "shop.test.",
        ] {
            assert!(!makes(host), "{host}");
        }
    }

    #[test]
    fn the_authority_speaks_for_no_host_of_a_kind_that_was_not_asked_for() {
        for (hosts, names, addresses) in [
            (&["shop.test"][..], 0, 2),
            (&["127.0.0.1", "::1"], 1, 0),
            (&["localhost", "127.0.0.1"], 0, 0),
        ] {
            let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
            let excluded = excluded(&hosts);
            let kinds =
                |is: fn(&GeneralSubtree) -> bool| excluded.iter().filter(|one| is(one)).count();
            assert_eq!(
                kinds(|one| matches!(one, GeneralSubtree::DnsName(name) if name.is_empty())),
                names
            );
            assert_eq!(kinds(|one| matches!(one, GeneralSubtree::IpAddress(_))), addresses);
            assert!(make(&hosts, OffsetDateTime::UNIX_EPOCH).is_ok());
        }
    }
}
