//! The configuration of a gateway between a provider and an upstream.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::{Authority, Client, LoginService, Provider, free_port};

/// The client that the gateway is at the provider.
const CLIENT_ID: &str = "shop-web";
/// Full of what `client_secret_basic` has to encode (RFC 6749 §2.3.1).
const CLIENT_SECRET: &str = "hush: 100% a+b/c=d&e";

const INDEX: &str = "<!doctype html><title>shop</title><h1>The shop</h1>";

/// `cloakroom.toml`, the files beside it, and the environment.
///
/// Settings are pieces of TOML, whose single quotes read well inside Rust:
/// `config.set("cookie", "same_site = 'strict'")`.
#[derive(Clone)]
pub struct GatewayConfig {
    port: u16,
    public_url: String,
    upstream: String,
    table: Table,
    files: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

impl GatewayConfig {
    /// A gateway on a free port of `localhost`: a client of `provider`, with everything below
    /// `/api` relayed to the URL `upstream`, and a small site in `dist`.
    pub fn new(provider: &Provider, upstream: &str) -> Self {
        let port = free_port();
        let public_url = format!("http://localhost:{port}");
        provider.add_client(Client::confidential(CLIENT_ID, CLIENT_SECRET).gateway(&public_url));
        let issuer = provider.issuer();
        let table = parse(&format!(
            "[public]
            url = '{public_url}'
            [listen]
            address = '127.0.0.1:{port}'
            [[provider]]
            issuer = '{issuer}'
            client_id = '{CLIENT_ID}'
            client_secret = {{ env = 'OIDC_CLIENT_SECRET' }}
            [[route]]
            path = '/api'
            upstream = '{upstream}'
            [site]
            dir = 'dist'
            [session]
            data_dir = 'data'"
        ));
        let config = Self {
            port,
            public_url,
            upstream: upstream.to_owned(),
            table,
            files: BTreeMap::new(),
            environment: BTreeMap::new(),
        };
        config.file("dist/index.html", INDEX).env("OIDC_CLIENT_SECRET", CLIENT_SECRET)
    }

    /// A gateway on a free port of `localhost` in front of `service`, whose tokens it lifts; a small
    /// site in `dist`.
    pub fn for_service(service: &LoginService) -> Self {
        let port = free_port();
        let public_url = format!("http://localhost:{port}");
        let upstream = service.url();
        let table = parse(&format!(
            "[public]
            url = '{public_url}'
            [listen]
            address = '127.0.0.1:{port}'
            [[provider]]
            kind = 'token_api'
            name = 'shop'
            login = '/api/login'
            tokens = {{ access = '/token', refresh = '/refreshToken', expires_in = '/expiresIn' }}
            claims = '/user'
            [provider.refresh]
            url = '{upstream}/api/refresh'
            json = {{ refreshToken = '{{refresh_token}}' }}
            [provider.logout]
            url = '{upstream}/api/logout'
            headers = {{ Authorization = 'Bearer {{access_token}}' }}
            [[route]]
            path = '/api'
            upstream = '{upstream}'
            [site]
            dir = 'dist'
            [session]
            data_dir = 'data'"
        ));
        let (files, environment) = (BTreeMap::new(), BTreeMap::new());
        let config = Self { port, public_url, upstream, table, files, environment };
        config.file("dist/index.html", INDEX)
    }

    /// Adds a provider.
    pub fn provider(mut self, settings: &str) -> Self {
        let providers = self.table.get_mut("provider").and_then(Value::as_array_mut);
        providers.expect("there from the start").push(parse(settings).into());
        self
    }

    /// On https, with a certificate of `authority` for `localhost`; `provider` learns the new address.
    pub fn https(mut self, provider: &Provider, authority: &Authority) -> Self {
        self.public_url = format!("https://localhost:{}", self.port);
        let client = Client::confidential(CLIENT_ID, CLIENT_SECRET);
        provider.add_client(client.gateway(&self.public_url));
        let issued = authority.issue(&["localhost"]);
        let url = format!("url = '{}'", self.public_url);
        self.set("public", &url)
            .set("listen", "tls = { certificate = 'cert.pem', key = 'key.pem' }")
            .file("cert.pem", &issued.certificate)
            .file("key.pem", &issued.key)
    }

    /// At these host names instead of `localhost`, of which the first is the public URL's; `provider`
    /// learns their redirect URIs. Names below `localhost` reach it in a [`crate::Browser`].
    pub fn hosts(mut self, provider: &Provider, hosts: &[&str]) -> Self {
        let origins: Vec<_> =
            hosts.iter().map(|host| format!("http://{host}:{}", self.port)).collect();
        let client = Client::confidential(CLIENT_ID, CLIENT_SECRET);
        provider.add_client(origins.iter().fold(client, |client, origin| client.gateway(origin)));
        self.public_url.clone_from(&origins[0]);
        let also: Vec<_> = origins[1..].iter().map(|origin| format!("'{origin}'")).collect();
        let public = format!("url = '{}'\nalso = [{}]", origins[0], also.join(", "));
        self.set("public", &public)
    }

    /// Sets or replaces settings of a section; of `provider` and `route`, the first one's.
    pub fn set(mut self, section: &str, settings: &str) -> Self {
        let table = self.table.entry(section).or_insert_with(|| Table::new().into());
        let table = match table {
            Value::Array(list) => list.first_mut().and_then(Value::as_table_mut),
            other => other.as_table_mut(),
        };
        table.expect("a section with settings").extend(parse(settings));
        self
    }

    /// Adds a route to the same upstream, unless `settings` name another.
    pub fn route(mut self, path: &str, settings: &str) -> Self {
        let mut route = parse(&format!("path = '{path}'\nupstream = '{}'", self.upstream));
        route.extend(parse(settings));
        let routes = self.table.get_mut("route").and_then(Value::as_array_mut);
        routes.expect("there from the start").push(route.into());
        self
    }

    /// Adds a file; `path` is relative to the gateway's folder.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.to_owned(), content.to_owned());
        self
    }

    /// Sets an environment variable of the process.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The public URL, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The whole configuration file.
    pub fn to_toml(&self) -> String {
        self.table.to_string()
    }

    /// Writes the configuration as `cloakroom.toml`, and the other files, into a folder.
    pub fn write(&self, folder: &Path) {
        let config = ("cloakroom.toml".to_owned(), self.to_toml());
        for (path, content) in self.files.clone().into_iter().chain([config]) {
            let path = folder.join(path);
            let parent = path.parent().expect("a file in a folder");
            fs::create_dir_all(parent).expect("a folder that can be made");
            fs::write(path, content).expect("a file that can be written");
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }
}

fn parse(toml: &str) -> Table {
    toml.parse().unwrap_or_else(|error| panic!("a piece of TOML: {error}\n{toml}"))
}
