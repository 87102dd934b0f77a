//! A temporary folder with a configuration and what it names.

use std::fs;
use std::path::{Path, PathBuf};

use cloakroom_gateway::config::{Config, ConfigError, Environment};
use cloakroom_testkit::{Authority, tls::Issued};
use tempfile::TempDir;

/// What a first day's configuration looks like, in sections.
pub(crate) const PUBLIC: &str = "[public]\nurl = \"https://shop.example.com\"\n";
pub(crate) const PROVIDER: &str = "[[provider]]\nissuer = \"https://login.example.org/realms/shop\"\n\
     client_id = \"shop-web\"\nclient_secret = { env = \"OIDC_CLIENT_SECRET\" }\n";
pub(crate) const TOKEN_API: &str = "[[provider]]\nkind = \"token_api\"\nlogin = \"/api/login\"\n\
     tokens = { access = \"/token\", refresh = \"/refreshToken\" }\n";
pub(crate) const ROUTE: &str = "[[route]]\npath = \"/api\"\nupstream = \"http://127.0.0.1:3000\"\n";
pub(crate) const SITE: &str = "[site]\ndir = \"dist\"\n";

/// The value of `OIDC_CLIENT_SECRET`.
pub(crate) const SECRET: &str = "tb3-swordfish";

/// The folder: `dist` with an `index.html`, an empty folder `empty`, some secret files, a certificate.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().expect("a temporary folder"));
        folder.write("dist/index.html", "<!doctype html>");
        folder.write("secret.txt", "tb3-swordfish\n");
        folder.write("empty.txt", "\n");
        folder.write("lines.txt", "tb3-swordfish\ntb3-marlin\n");
        folder.write_pair("cert.pem", "key.pem", &Authority::new().issue(&["shop.example.com"]));
        fs::create_dir(folder.path().join("empty")).expect("a new folder");
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("cloakroom.toml")
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a new folder");
        fs::write(&path, content).expect("a new file");
        self.permit(name, 0o600);
    }

    /// Writes a certificate and its key.
    pub(crate) fn write_pair(&self, certificate: &str, key: &str, issued: &Issued) {
        self.write(certificate, &issued.certificate);
        self.write(key, &issued.key);
    }

    /// Sets Unix permissions.
    #[cfg(unix)]
    pub(crate) fn permit(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path().join(name), permissions).expect("one's own file");
    }

    #[cfg(not(unix))]
    pub(crate) fn permit(&self, _: &str, _: u32) {}

    /// Reads `toml` as `cloakroom.toml` in this folder, with `OIDC_CLIENT_SECRET` set.
    pub(crate) fn parse(&self, toml: &str) -> Result<Config, ConfigError> {
        let environment = Environment::of([("OIDC_CLIENT_SECRET", SECRET), ("EMPTY_SECRET", "")]);
        Config::parse(toml, &self.file(), &environment)
    }

    /// What the person who wrote `toml` reads, without this folder's path.
    ///
    /// # Panics
    /// If nothing is wrong with it.
    pub(crate) fn refusal(&self, toml: &str) -> String {
        let error = self.parse(toml).expect_err("a mistake");
        self.without_path(&error.to_string())
    }

    /// `text` with this folder's path taken out.
    pub(crate) fn without_path(&self, text: &str) -> String {
        let path = format!("{}{}", self.path().display(), std::path::MAIN_SEPARATOR);
        text.replace(&path, "")
    }
}
