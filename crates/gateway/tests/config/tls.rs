//! `[listen] tls`: what is wrong with a certificate, and what to do about it.

use cloakroom_testkit::Authority;

use crate::folder::{Folder, PUBLIC, SITE};

const TLS: &str = "[listen]\naddress = \"0.0.0.0:443\"\n\
     tls = { certificate = \"cert.pem\", key = \"key.pem\" }\n";

#[track_caller]
fn assert_mistake(folder: &Folder, toml: &str, what: &str, fix: &str) {
    let message = folder.refusal(toml);
    assert!(message.contains(what) && message.contains(fix), "{message}");
    assert!(message.contains("cloakroom.toml:"), "with its place: {message}");
}

#[test]
fn a_certificate_opens_every_address() {
    let config = Folder::new().parse(&[PUBLIC, SITE, TLS].join("\n")).expect("a right one");
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    let tls = config.listen.tls.expect("tls");
    assert!(tls.certificate.ends_with("cert.pem") && tls.key.ends_with("key.pem"));
}

#[test]
fn a_pair_that_no_browser_would_take_is_a_mistake() {
    let authority = Authority::new();
    let toml = [PUBLIC, SITE, TLS].join("\n");
    let shop = ["shop.example.com"];
    let folder = Folder::new();
    let mistake = |what, fix| assert_mistake(&folder, &toml, what, fix);

    folder.write_pair("cert.pem", "other.pem", &authority.issue(&shop));
    mistake("`key`: the key is not the certificate's", "must be the first");
    folder.write_pair("cert.pem", "key.pem", &authority.issue_for_days(&shop, -400, -1));
    mistake("`certificate`: the certificate has expired", "a renewed certificate");
    folder.write_pair("cert.pem", "key.pem", &authority.issue_for_days(&shop, 1, 30));
    mistake("`certificate`: the certificate is not valid yet", "clock");
    folder.write_pair("cert.pem", "key.pem", &authority.issue(&["example.com", "192.0.2.1"]));
    mistake("`certificate` is not for shop.example.com", "cloakroom dev-cert shop.example.com");

    let good = authority.issue(&shop);
    folder.write_pair("key.pem", "cert.pem", &good);
    mistake("`certificate`: the certificate's file holds no certificate", "fullchain.pem");
    folder.write("cert.pem", &good.certificate);
    folder.write("key.pem", &good.certificate);
    mistake("`key`: the key's file holds no private key", "privkey.pem");
    folder.write(
        "key.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    mistake("`key`: the key is encrypted with a password", "openssl pkey");
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    mistake("`key`: the key cannot be used", "privkey.pem");
    folder.write("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder.write("key.pem", &good.key);
    mistake("`certificate`: the certificate cannot be used", "fullchain.pem");
}

#[test]
fn a_missing_file_is_named() {
    let toml = [PUBLIC, SITE, &TLS.replace("key.pem", "nowhere.pem")].join("\n");
    assert_mistake(&Folder::new(), &toml, "`key`: the key's file cannot be read", "dev-cert");
    let toml = [PUBLIC, SITE, "[listen]\ntls = { certificate = \"cert.pem\" }\n"].join("\n");
    assert_mistake(&Folder::new(), &toml, "has no `key`", "key = \"key.pem\"");
}

/// Whoever downloads it can pretend to be the gateway.
#[test]
fn a_key_that_others_may_have_is_told() {
    let folder = Folder::new();
    folder.permit("key.pem", 0o644);
    let config = folder.parse(&[PUBLIC, SITE, TLS].join("\n")).expect("a warning only");
    assert_eq!(config.warnings().len(), usize::from(cfg!(unix)), "{:?}", config.warnings());

    folder.write_pair(
        "dist/cert.pem",
        "dist/key.pem",
        &Authority::new().issue(&["shop.example.com"]),
    );
    let toml = [
        PUBLIC,
        SITE,
        &TLS.replace("key.pem", "dist/key.pem").replace("cert.pem", "dist/cert.pem"),
    ];
    assert_mistake(&folder, &toml.join("\n"), "the key of `tls` would be public", "outside");
}

#[test]
fn tls_behind_an_http_address_is_a_mistake() {
    let public = "[public]\nurl = \"http://localhost:8080\"\n";
    let folder = Folder::new();
    folder.write_pair("cert.pem", "key.pem", &Authority::new().issue(&["localhost"]));
    assert_mistake(
        &folder,
        &[public, SITE, TLS].join("\n"),
        "but the public url is http",
        "https://",
    );
}

/// F3, R68, R70: what stands beside `tls`.
#[test]
fn the_settings_around_tls_are_explained() {
    let folder = Folder::new();
    let listen = |keys: &str| [PUBLIC, SITE, TLS, keys].join("\n");
    let mistake = |toml: String, what, fix| assert_mistake(&folder, &toml, what, fix);
    mistake(listen("redirect_from = \"80\""), "is not an IP address", "0.0.0.0:80");
    mistake(listen("redirect_from = \"0.0.0.0:443\""), "is `address` itself", "0.0.0.0:80");
    let alone = [PUBLIC, SITE, "[listen]\nredirect_from = \"0.0.0.0:80\"\n"].join("\n");
    mistake(alone, "`redirect_from` without `tls`", "leave `redirect_from` out");

    for (proxy, fix) in [
        ("proxy.local", "fd12:3456:789a::/48"),
        ("0.0.0.0/0", "your proxies alone"),
        ("10.0.0.1/8", "[\"10.0.0.0/8\"]"),
    ] {
        mistake(listen(&format!("trusted_proxies = [\"{proxy}\"]")), "`trusted_proxies` has", fix);
    }

    for wide in ["0.0.0.0/1", "128.0.0.0/7", "::ffff:10.0.0.0/103", "fd00::/8", "2000::/15"] {
        let toml = listen(&format!("trusted_proxies = [\"10.0.0.7\", \"{wide}\"]"));
        mistake(toml, "`trusted_proxies` has a network wider than", "your proxies alone");
    }
    let narrow = "trusted_proxies = [\"10.0.0.0/8\", \"::ffff:10.0.0.0/104\", \"fd00::/16\"]";
    folder.parse(&listen(narrow)).expect("networks of one's own");

    let hsts = |hsts: &str| [&format!("{PUBLIC}hsts = {hsts}"), SITE].join("\n");
    mistake(hsts("{ preload = true }"), "`preload` needs more", "include_subdomains = true");
    let short = "{ max_age = \"30d\", include_subdomains = true, preload = true }";
    mistake(hsts(short), "`preload` needs more", "365d");
    let plain =
        hsts("{ max_age = \"365d\" }").replace("https://shop.example.com", "http://localhost");
    mistake(plain, "has no effect", "leave `hsts` out");
    let config = folder.parse(&hsts("{ max_age = \"30d\" }")).expect("a weaker choice");
    assert!(config.warnings()[0].choice().contains("30d"), "{:?}", config.warnings());
}
