//! `cloakroom check`, `init` and `schema` as a person runs them.

use std::process::{Command, Output};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};

use crate::folder::{Folder, PROVIDER, PUBLIC, ROUTE, SECRET, SITE, TOKEN_API};

fn cloakroom(folder: &Folder, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cloakroom"))
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("CLOAKROOM_CONFIG")
        .env("OIDC_CLIENT_SECRET", SECRET)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn assert_text(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn check_says_what_the_configuration_does() {
    let folder = Folder::new();
    let more = "[[route]]\npath = \"/assets\"\nupstream = \"http://10.0.0.5:9000\"\nsession = \"none\"\n\
                methods = [\"GET\"]\nallow_plaintext_upstream = true\n\
                [cookie]\nsame_site = \"strict\"\n[guard]\nrequired_header = \"X-Requested-With\"\n";
    folder.write("cloakroom.toml", &[PUBLIC, PROVIDER, ROUTE, SITE, more].join("\n"));
    let output = cloakroom(&folder, &["check"]);
    assert_text("check", &text(&output.stdout));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn check_says_which_tokens_are_believed_from_outside() {
    let folder = Folder::new();
    let section = "[provider.access_token]\naudience = \"https://api.example.com\"\n\
                   allow_missing_issuer = true\nalgorithms = [\"RS256\", \"ES256\"]\n";
    let bearer = "accept_bearer = true\n";
    folder.write("cloakroom.toml", &[PUBLIC, PROVIDER, section, ROUTE, bearer].concat());
    let output = cloakroom(&folder, &["check"]);
    assert_text("check_bearer", &text(&output.stdout));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn check_says_what_becomes_of_a_login_service_s_tokens() {
    let folder = Folder::new();
    let keys = "name = \"shop\"\nclaims = \"/user\"\nplaceholder = \"kept-by-cloakroom\"\n\
        refresh = { url = \"http://127.0.0.1:3000/api/refresh\", json = { token = \"{refresh_token}\" }, path = \"/api/refresh\" }\n\
        logout = { url = \"https://api.example.com/logout\", path = \"/api/logout\" }\n";
    let plain = TOKEN_API.replace("/api/login", "/api/staff") + "name = \"staff\"\n";
    let route = "token_header = \"X-Access-Token\"\ntoken_scheme = \"\"\n";
    folder.write("cloakroom.toml", &[PUBLIC, TOKEN_API, keys, &plain, ROUTE, route].concat());
    let output = cloakroom(&folder, &["check"]);
    assert_text("check_token_api", &text(&output.stdout));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn check_says_what_each_choice_of_the_cookie_opens() {
    let folder = Folder::new();
    let public =
        "[public]\nurl = \"https://shop.example.com\"\nalso = [\"https://admin.example.com\"]\n";
    let more = "[cookie]\nsame_site = \"none\"\npersistence = \"session\"\nparent_domain = \"example.com\"\n\
                [guard]\ncsrf_token = { header = \"X-XSRF-TOKEN\", cookie = \"XSRF-TOKEN\" }\n";
    folder.write("cloakroom.toml", &[public, PROVIDER, ROUTE, SITE, more].join("\n"));
    let output = cloakroom(&folder, &["check"]);
    assert_text("check_cookie", &text(&output.stdout));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn check_says_what_the_list_of_origins_opens() {
    let folder = Folder::new();
    let public =
        "[public]\nurl = \"https://shop.example.com\"\nalso = [\"https://api.example.com\"]\n";
    let more = "[cookie]\nsame_site = \"none\"\n[guard]\n\
                allow_origins = [\"https://shop.example.com\", \"https://app.example.org\", \"http://localhost:5173\"]\n";
    folder.write("cloakroom.toml", &[public, PROVIDER, ROUTE, SITE, more].join("\n"));
    let output = cloakroom(&folder, &["check"]);
    assert_text("check_origins", &text(&output.stdout));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn check_fails_with_every_mistake() {
    let folder = Folder::new();
    folder.write(
        "other.toml",
        "[public]\nurl = \"http://shop.example.com\"\n[site]\ndir = \"nowhere\"\n",
    );
    let output = cloakroom(&folder, &["check", "--config", "other.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let errors = text(&output.stderr);
    assert!(
        errors.starts_with("other.toml:2:7: ") && errors.contains("\nother.toml:4:7: "),
        "{errors}"
    );
    assert!(errors.ends_with("\n2 mistakes\n"), "{errors}");
}

#[test]
fn the_environment_names_the_configuration() {
    let folder = Folder::new();
    folder.write("etc/gateway.toml", &[PUBLIC, "[site]\ndir = \"../dist\"\n"].join(""));
    let output = Command::new(env!("CARGO_BIN_EXE_cloakroom"))
        .arg("check")
        .current_dir(folder.path())
        .env("CLOAKROOM_CONFIG", "etc/gateway.toml")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).starts_with("etc/gateway.toml is right."), "{output:?}");
}

#[test]
fn init_writes_what_check_takes() {
    let folder = Folder::new();
    let output = cloakroom(&folder, &["init"]);
    assert!(output.status.success(), "{output:?}");
    assert_text("init", &text(&output.stdout));
    // Its placeholders are right in form: with a site and a secret it passes.
    let check = cloakroom(&folder, &["check"]);
    assert!(check.status.success(), "{check:?}");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("draft")), "{left:?}");
}

#[test]
fn init_overwrites_only_by_force() {
    let folder = Folder::new();
    folder.write("mine.toml", "# mine\n");
    let output = cloakroom(&folder, &["init", "--output", "mine.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "mine.toml exists already; `--force` overwrites it, `--output <path>` writes elsewhere\n"
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.toml")).unwrap(), "# mine\n");
    let output = cloakroom(&folder, &["init", "--output", "mine.toml", "--force"]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("cloakroom check --config mine.toml"), "{output:?}");
    let written = std::fs::read_to_string(folder.path().join("mine.toml")).unwrap();
    assert_eq!(written, include_str!("../../src/commands/init/first.toml"));
}

#[test]
fn init_leaves_nothing_behind_where_it_cannot_write() {
    let folder = Folder::new();
    let output = cloakroom(&folder, &["init", "--output", "nowhere/cloakroom.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("nowhere/cloakroom.toml could not be written: "),
        "{output:?}"
    );
}

/// What it writes is what `[listen] tls` takes, and a client that trusts ca.pem alone takes it too.
#[test]
fn dev_cert_makes_what_check_takes() {
    let folder = Folder::new();
    std::fs::remove_file(folder.path().join("cert.pem")).unwrap();
    std::fs::remove_file(folder.path().join("key.pem")).unwrap();
    let hosts = ["shop.example.com", "*.shop.test", "127.0.0.1", "::1"];
    let made = cloakroom(&folder, &[&["dev-cert"], &hosts[..]].concat());
    assert!(
        made.status.success() && text(&made.stdout).contains("url = \"https://shop"),
        "{made:?}"
    );
    folder.write(
        "cloakroom.toml",
        &[PUBLIC, SITE, "[listen]\ntls = { certificate = \"cert.pem\", key = \"key.pem\" }\n"]
            .concat(),
    );
    let check = cloakroom(&folder, &["check"]);
    let words = text(&check.stdout);
    assert!(
        words.contains("accepts HTTPS") && words.contains("Weaker choices\n  none"),
        "{check:?}"
    );

    let pem = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let one = |name: &str| CertificateDer::from_pem_slice(&pem(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(one("ca.pem")).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(
        roots.into(),
        rustls::crypto::aws_lc_rs::default_provider().into(),
    );
    let verifier = verifier.build().unwrap();
    let verify = |host: &'static str| {
        let name = ServerName::try_from(host).unwrap();
        verifier.verify_server_cert(&one("cert.pem"), &[], &name, &[], UnixTime::now())
    };
    for host in ["shop.example.com", "a.shop.test", "127.0.0.1", "::1"] {
        verify(host).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    verify("example.com").unwrap_err();

    let again = cloakroom(&folder, &["dev-cert"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("ca.pem exists already"), "{again:?}");
    let before = pem("ca.pem");
    assert!(cloakroom(&folder, &["dev-cert", "--force"]).status.success());
    assert_ne!(pem("ca.pem"), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let wrong = cloakroom(&folder, &["dev-cert", "--out", "tls", "https://shop.test"]);
    assert!(text(&wrong.stderr).contains("without scheme and port"), "{wrong:?}");
    assert!(!folder.path().join("tls").exists());
}

#[test]
fn schema_is_json() {
    let output = cloakroom(&Folder::new(), &["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema, cloakroom_gateway::config::json_schema());
}

#[test]
fn run_refuses_a_wrong_configuration() {
    let folder = Folder::new();
    folder.write("cloakroom.toml", "[public]\nurl = \"http://shop.example.com\"\n");
    let output = cloakroom(&folder, &["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("without TLS the session cookie would travel in clear"));
}

#[test]
fn wrong_arguments_have_their_own_status() {
    let output = cloakroom(&Folder::new(), &["chekc"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("check"), "{output:?}");
}
