//! From the file's text to a checked configuration.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::auth::RawAuth;
use super::cookie::RawCookie;
use super::environment::Environment;
use super::guard::RawGuard;
use super::hidden::Places;
use super::hsts::HstsConfig;
use super::keys::RawKeys;
use super::listen::RawListen;
use super::log::RawLog;
use super::provider::{self, RawProvider};
use super::public::RawPublic;
use super::report::Report;
use super::route::{self, RawRoute, Surroundings};
use super::schema::{Shape, json_schema};
use super::session::{RawSession, SessionConfig};
use super::site::{Private, RawSite};
use super::written::Written;
use super::{Config, ConfigError, SessionMode, structure, syntax, token_api};

/// Reads and checks `text`, the content of `file`.
pub(super) fn read(
    text: &str,
    file: &Path,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    let schema = json_schema();
    let shape = Shape::root(&schema);
    let mut report = Report::default();
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut document = document.into_inner();
    let mut places = Places::of(&document, shape);
    let config = if errors.is_empty() {
        let present = structure(&mut document, shape, &mut report);
        places.trust(&document, shape);
        meaning(&mut document, &present, file, environment, &mut report)
    } else {
        syntax::report(&errors, text, shape, &mut report);
        places.distrust(text, shape);
        None
    };
    let name = file.display().to_string();
    let (config, warnings) = report.finish(config, &name, text, places)?;
    Ok(Config { warnings, ..config })
}

/// Which of the sections that others need are there, right or wrong.
struct Present {
    provider: bool,
    route: bool,
    site: bool,
}

/// Reduces the document to what can be read.
fn structure(document: &mut DeTable<'_>, shape: Shape<'_>, report: &mut Report) -> Present {
    let has = |document: &DeTable<'_>| {
        ["provider", "route", "site"].map(|name| document.contains_key(name))
    };
    // Before and after: also under a misspelled name.
    let before = has(document);
    structure::check(document, shape, report);
    let after = has(document);
    let [provider, route, site] = [0, 1, 2].map(|index| before[index] || after[index]);
    Present { provider, route, site }
}

fn meaning(
    document: &mut DeTable<'_>,
    present: &Present,
    file: &Path,
    environment: &Environment,
    report: &mut Report,
) -> Option<Config> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut sections = Sections { document, report };

    let public = sections.one::<RawPublic>("public");
    let listen = sections.one::<RawListen>("listen").unwrap_or_default();
    let raw_providers = sections.many::<Written<RawProvider>>("provider");
    let raw_routes = sections.many::<RawRoute>("route");
    let site = sections.one::<RawSite>("site");
    let session = sections.one::<RawSession>("session").unwrap_or_default();
    let keys = sections.one::<RawKeys>("keys").unwrap_or_default();
    let cookie = sections.one::<RawCookie>("cookie").unwrap_or_default();
    let guard = sections.one::<RawGuard>("guard").unwrap_or_default();
    let auth = sections.one::<RawAuth>("auth").unwrap_or_default();
    let log = sections.one::<RawLog>("log").unwrap_or_default();

    let private = private_places(file, folder, &listen, &session, &keys, &raw_providers);
    let verifies_tokens =
        raw_providers.iter().any(|provider| provider.value.access_token.is_some());
    let public_url = public.as_ref().and_then(|public| public.check(report));
    let also = public.as_ref().and_then(|public| public.check_also(public_url.as_ref(), report));
    let hsts = match public.as_ref().and_then(|public| public.hsts.as_ref()) {
        Some(hsts) => hsts.value.check(public_url.as_ref(), report),
        None => Some(HstsConfig::default()),
    };
    let origins: Vec<_> = public_url.iter().chain(also.iter().flatten()).cloned().collect();
    let listen = listen.check(folder, &origins, report);
    provider::check_names(&raw_providers, report);
    let providers =
        all(raw_providers.iter().map(|provider| provider.check(folder, environment, report)));
    let auth = auth.check(report);
    route::check_paths(&raw_routes, report);
    let auth_prefix = auth.as_ref().map_or("/auth", |auth| auth.prefix.as_str());
    token_api::check_paths(&raw_providers, &raw_routes, auth_prefix, report);
    let around = Surroundings {
        auth_prefix,
        public: public_url.as_ref(),
        listen: listen.as_ref().map(|listen| listen.address),
        has_provider: present.provider,
        verifies_tokens,
        has_login_page: raw_providers.iter().any(|provider| provider.value.has_login_page()),
        has_site: present.site,
    };
    let routes = all(raw_routes.iter().map(|route| route.check(&around, report)));
    let site = match site {
        Some(site) => site.check(folder, &private, report).map(Some),
        None => Some(None),
    };
    let verified: Vec<_> = raw_providers
        .iter()
        .map(|raw| (raw.value.name.value.as_str(), raw.value.access_token.is_some()))
        .collect();
    let raw_session = session;
    let session = raw_session.check(folder, &verified, report);
    if session.as_ref().is_some_and(|session| session.mode == SessionMode::Jwt) {
        token_api::refuse_refresh_paths(&raw_providers, report);
    }
    let keys = keys.check(folder, environment, report);
    let origins: Vec<_> = public_url.iter().chain(also.iter().flatten()).collect();
    let cookie = cookie.check(&origins, report);
    if let Some(cookie) = &cookie {
        raw_session.check_names(&cookie.name, report);
    }
    let guard = guard.check(
        cookie.as_ref(),
        session.as_ref().and_then(SessionConfig::used_access_cookie),
        &origins,
        report,
    );
    if let Some(guard) = &guard {
        raw_routes.iter().for_each(|route| route.check_guard(guard, report));
    }
    let log = log.check(report);
    if !present.route && !present.site {
        report
            .wrong(None, "there is neither a [[route]] nor a [site]")
            .why("every request would be answered with 404")
            .write(
                "[[route]]\npath = \"/api\"\nupstream = \"http://127.0.0.1:3000\"\n\
                 and, for a single-page app:\n[site]\ndir = \"dist\"",
            );
    }
    Some(Config {
        public_url: public_url?,
        also: also?,
        hsts: hsts?,
        listen: listen?,
        providers: providers?,
        routes: routes?,
        site: site?,
        session: session?,
        keys: keys?,
        cookie: cookie?,
        guard: guard?,
        auth: auth?,
        log: log?,
        warnings: Vec::new(),
    })
}

/// All values, if none is missing; every item is looked at in any case.
fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<_> = items.collect();
    items.into_iter().collect()
}

/// What must not be in the site's folder.
fn private_places(
    file: &Path,
    folder: &Path,
    listen: &RawListen,
    session: &RawSession,
    keys: &RawKeys,
    providers: &[Written<RawProvider>],
) -> Vec<Private> {
    let mut places = vec![
        Private { path: file.to_owned(), what: "this configuration", at: None },
        Private { path: session.data_dir(folder), what: "`data_dir`", at: session.data_dir.at() },
    ];
    places.extend(listen.tls.iter().map(|tls| Private {
        path: folder.join(&tls.value.key.value),
        what: "the key of `tls`",
        at: tls.value.key.at(),
    }));
    places.extend(keys.file(folder).map(|(path, written)| Private {
        path,
        what: "the keyring",
        at: written.at(),
    }));
    let secrets = providers.iter().filter_map(|provider| provider.value.client_secret.as_ref());
    places.extend(secrets.filter_map(|secret| secret.file(folder)).map(|(path, written)| {
        Private { path, what: "the file of `client_secret`", at: written.at() }
    }));
    let access_tokens =
        providers.iter().filter_map(|provider| provider.value.access_token.as_ref());
    let secrets = access_tokens.filter_map(|section| section.value.shared_secret.as_ref());
    places.extend(secrets.filter_map(|secret| secret.file(folder)).map(|(path, written)| {
        Private { path, what: "the file of `shared_secret`", at: written.at() }
    }));
    places
}

/// The sections of a document whose structure was checked.
struct Sections<'a, 'd> {
    document: &'a mut DeTable<'d>,
    report: &'a mut Report,
}

impl<'d> Sections<'_, 'd> {
    /// A section that comes once.
    fn one<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let section = self.document.remove(name)?;
        self.section(section)
    }

    /// A section that may come several times.
    fn many<T: DeserializeOwned>(&mut self, name: &str) -> Vec<T> {
        match self.document.remove(name).map(Spanned::into_inner) {
            Some(DeValue::Array(items)) => {
                items.into_iter().filter_map(|item| self.section(item)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn section<T: DeserializeOwned>(&mut self, section: Spanned<DeValue<'d>>) -> Option<T> {
        match T::deserialize(ValueDeserializer::from(section)) {
            Ok(section) => Some(section),
            Err(error) => {
                self.report.wrong(error.span(), "this does not fit").why(error.message());
                None
            }
        }
    }
}
