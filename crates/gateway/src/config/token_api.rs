//! The keys of a `[[provider]]` that is the application's own login service: `kind = "token_api"`.

use std::collections::BTreeMap;
use std::ops::Range;

use cloakroom_oauth::token_api::{
    BodyTemplate, Logout, Pointer, Refresh, RequestTemplate, RequestTemplateError, Template,
    TokenApi, TokenPointers,
};
use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::normal_path;
use super::provider::RawProvider;
use super::report::Report;
use super::route::{self, RawRoute};
use super::written::Written;

/// The longest text that stands for a token; it comes back in a header.
const MAX_PLACEHOLDER: usize = 256;

/// Texts with names: the members of a body, or headers.
type RawTexts = BTreeMap<Written<String>, Written<String>>;

/// Where an answer has its tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTokens {
    /// Where the access token is, as a JSON pointer (RFC 6901).
    #[schemars(example = &"/token")]
    access: Written<String>,
    /// Where the refresh token is, as a JSON pointer.
    #[schemars(example = &"/refreshToken")]
    refresh: Option<Written<String>>,
    /// Where the seconds are that the access token lives, as a JSON pointer. It dies at the `exp` that it
    /// carries itself if that comes first.
    #[schemars(example = &"/expiresIn")]
    expires_in: Option<Written<String>>,
    /// Where further tokens are that nobody needs, an ID Token for instance, as JSON pointers. They are
    /// kept from the page like the others, and dropped.
    #[serde(default)]
    #[schemars(extend("examples" = [["/id_token"]]))]
    others: Vec<Written<String>>,
}

/// The gateway's own request when a token is due, and the application's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRefresh {
    /// Where the gateway's own request goes, by POST. Plain `http://` is for this machine only.
    #[schemars(example = &"http://127.0.0.1:3000/api/refresh")]
    url: Written<String>,
    /// The members of its JSON body: texts with `{refresh_token}` or `{access_token}` in them.
    #[schemars(with = "Option<BTreeMap<String, String>>", extend("examples" = [{ "refreshToken": "{refresh_token}" }]))]
    json: Option<Written<RawTexts>>,
    /// The same as a form (`application/x-www-form-urlencoded`).
    #[schemars(with = "Option<BTreeMap<String, String>>", extend("examples" = [{ "refreshToken": "{refresh_token}" }]))]
    form: Option<Written<RawTexts>>,
    /// Its headers: texts with `{refresh_token}` or `{access_token}` in them.
    #[schemars(with = "Option<BTreeMap<String, String>>", extend("examples" = [{ "Authorization": "Bearer {refresh_token}" }]))]
    headers: Option<Written<RawTexts>>,
    /// Where its answer has the tokens, if elsewhere than the answer to a login.
    #[schemars(extend("examples" = [{ "access": "/token" }]))]
    tokens: Option<Written<RawTokens>>,
    /// The path of the application's own refresh request. The gateway answers it, without tokens.
    #[schemars(example = &"/api/refresh")]
    pub(super) path: Option<Written<String>>,
}

/// How a session ends at the service.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLogout {
    /// Where the service is told, by POST, that a session has ended. Plain `http://` is for this machine
    /// only.
    #[schemars(example = &"http://127.0.0.1:3000/api/logout")]
    url: Option<Written<String>>,
    /// The members of that request's JSON body: texts with `{refresh_token}` or `{access_token}` in them.
    #[schemars(with = "Option<BTreeMap<String, String>>", extend("examples" = [{ "refreshToken": "{refresh_token}" }]))]
    json: Option<Written<RawTexts>>,
    /// The same as a form (`application/x-www-form-urlencoded`).
    #[schemars(with = "Option<BTreeMap<String, String>>", extend("examples" = [{ "refreshToken": "{refresh_token}" }]))]
    form: Option<Written<RawTexts>>,
    /// That request's headers: texts with `{refresh_token}` or `{access_token}` in them.
    #[schemars(with = "Option<BTreeMap<String, String>>", extend("examples" = [{ "Authorization": "Bearer {access_token}" }]))]
    headers: Option<Written<RawTexts>>,
    /// The path of the application's own logout request. It goes on to the service, and ends the session.
    #[schemars(example = &"/api/logout")]
    pub(super) path: Option<Written<String>>,
}

/// The keys that say how the service is spoken to; those that must be there are.
pub(super) struct RawTokenApi<'a> {
    pub(super) login: &'a Written<String>,
    pub(super) tokens: &'a Written<RawTokens>,
    pub(super) claims: Option<&'a Written<String>>,
    pub(super) placeholder: Option<&'a Written<String>>,
    pub(super) refresh: Option<&'a Written<RawRefresh>>,
    pub(super) logout: Option<&'a Written<RawLogout>>,
}

impl RawTokenApi<'_> {
    pub(super) fn check(&self, report: &mut Report) -> Option<TokenApi> {
        let login_path = check_path("login", "/api/login", self.login, report);
        let tokens = self.tokens.check(report);
        let claims = optional(self.claims, |claims| pointer("claims", claims, report));
        let placeholder = optional(self.placeholder, |text| check_placeholder(text, report));
        let refresh = optional(self.refresh, |refresh| {
            if self.tokens.value.refresh.is_none() {
                report
                    .wrong(refresh.at(), "`refresh` has no refresh token to send")
                    .why("`tokens` says where the answer to a login has it")
                    .write("tokens = { access = \"/token\", refresh = \"/refreshToken\" }");
                return None;
            }
            refresh.check(tokens.as_ref(), report)
        });
        let logout = optional(self.logout, |logout| logout.check(report));
        Some(TokenApi {
            login_path: login_path?,
            tokens: tokens?,
            claims: claims?,
            placeholder: placeholder?,
            refresh: refresh?,
            logout: logout?,
        })
    }
}

impl Written<RawTokens> {
    fn check(&self, report: &mut Report) -> Option<TokenPointers> {
        let RawTokens { access, refresh, expires_in, others } = &self.value;
        let access = pointer("access", access, report);
        let refresh = optional(refresh.as_ref(), |text| pointer("refresh", text, report));
        let expires_in = optional(expires_in.as_ref(), |text| pointer("expires_in", text, report));
        let others: Vec<_> = others.iter().map(|text| pointer("others", text, report)).collect();
        let others = others.into_iter().collect::<Option<Vec<_>>>();
        let (others, pointers) = (others?, TokenPointers::new(access?, refresh?, expires_in?));
        match pointers.and_then(|pointers| pointers.and_others(others)) {
            Ok(pointers) => Some(pointers),
            Err(error) => {
                report
                    .wrong(self.at(), format!("in `tokens`, {error}"))
                    .why("each of them is a text or number of its own in the answer")
                    .write("tokens = { access = \"/token\", refresh = \"/refreshToken\" }");
                None
            }
        }
    }
}

impl Written<RawRefresh> {
    fn check(&self, login: Option<&TokenPointers>, report: &mut Report) -> Option<Refresh> {
        let RawRefresh { url, json, form, headers, tokens, path } = &self.value;
        let request = RawRequest { of: "refresh", url, json, form, headers }.check(report);
        let tokens = optional(tokens.as_ref(), |tokens| tokens.check(report));
        let path = optional(path.as_ref(), |path| check_path("path", "/api/refresh", path, report));
        let (request, tokens) = (request?, tokens?);
        if !request.takes_refresh_token() {
            report
                .wrong(url.at(), "the refresh request does not carry the refresh token")
                .why("the service must learn whose token it is to replace")
                .write("json = { refreshToken = \"{refresh_token}\" }, or form or headers");
            return None;
        }
        Some(Refresh { request, tokens: tokens.or_else(|| login.cloned())?, path: path? })
    }
}

impl Written<RawLogout> {
    fn check(&self, report: &mut Report) -> Option<Logout> {
        let RawLogout { url, json, form, headers, path } = &self.value;
        if url.is_none() && path.is_none() {
            report
                .wrong(self.at(), "`logout` says nothing")
                .why("`url` is where the service is told of a logout, `path` is the application's own logout request")
                .write("logout = { path = \"/api/logout\" }, or leave it out");
            return None;
        }
        let said = [("json", json), ("form", form), ("headers", headers)];
        if url.is_none()
            && let Some((key, written)) =
                said.iter().find_map(|(key, of)| Some((key, of.as_ref()?)))
        {
            report
                .wrong(written.at(), format!("`logout` has `{key}` and no `url`"))
                .why("it is part of the request that tells the service of a logout; `path` is the application's own request, which goes on as it is")
                .write("url = \"http://127.0.0.1:3000/api/logout\" beside it, or leave it out");
            return None;
        }
        let request = optional(url.as_ref(), |url| {
            RawRequest { of: "logout", url, json, form, headers }.check(report)
        });
        let path = optional(path.as_ref(), |path| check_path("path", "/api/logout", path, report));
        Some(Logout { request: request?, path: path? })
    }
}

/// A request of our own, as it is written.
struct RawRequest<'a> {
    of: &'static str,
    url: &'a Written<String>,
    json: &'a Option<Written<RawTexts>>,
    form: &'a Option<Written<RawTexts>>,
    headers: &'a Option<Written<RawTexts>>,
}

impl RawRequest<'_> {
    fn check(&self, report: &mut Report) -> Option<RequestTemplate> {
        let body = match (self.json, self.form) {
            (Some(_), Some(form)) => {
                report
                    .wrong(form.at(), format!("`{}` has two bodies, `json` and `form`", self.of))
                    .why("a request has one")
                    .write("the one that the service reads");
                None
            }
            (Some(json), None) => members(&json.value, report).map(BodyTemplate::Json),
            (None, Some(form)) => members(&form.value, report).map(BodyTemplate::Form),
            (None, None) => Some(BodyTemplate::Empty),
        };
        let headers = self.check_headers(report);
        let template = RequestTemplate::new(&self.url.value, headers?, body?);
        template.map_err(|error| self.refuse(&error, report)).ok()
    }

    fn check_headers(&self, report: &mut Report) -> Option<Vec<(HeaderName, Template)>> {
        let mut headers = Vec::new();
        let mut fits = true;
        for (name, text) in self.headers.iter().flat_map(|headers| &headers.value) {
            let template = template(text, report);
            let Ok(header) = name.value.parse::<HeaderName>() else {
                report
                    .wrong(name.at(), "this cannot be a header's name")
                    .why("a header's name is letters, digits and `-`")
                    .write("headers = { Authorization = \"Bearer {refresh_token}\" }");
                fits = false;
                continue;
            };
            if headers.iter().any(|(before, _)| *before == header) {
                report
                    .wrong(name.at(), format!("the header `{header}` comes twice"))
                    .why("case does not count in a header's name, and only one of the two would be sent")
                    .write("one of them");
                fits = false;
                continue;
            }
            fits &= template.is_some();
            headers.extend(template.map(|template| (header, template)));
        }
        fits.then_some(headers)
    }

    fn refuse(&self, error: &RequestTemplateError, report: &mut Report) {
        use RequestTemplateError as Fault;
        let at_header = |header: &HeaderName| {
            let same = |name: &&Written<String>| name.value.eq_ignore_ascii_case(header.as_str());
            self.headers.as_ref()?.value.keys().find(same).and_then(Written::at)
        };
        let (at, what, why, write): (Option<Range<usize>>, _, _, _) = match error {
            Fault::NotAUrl => (
                self.url.at(),
                format!("`url` of `{}` is not a URL", self.of),
                "the gateway sends a request of its own there, so it needs scheme, host and path",
                format!("url = \"http://127.0.0.1:3000/api/{}\"", self.of),
            ),
            Fault::NotHttps => (
                self.url.at(),
                format!("`url` of `{}` is plain http to another machine", self.of),
                "tokens go along; whoever can read that network could use them",
                format!("url = \"{}\"", self.url.value.replacen("http:", "https:", 1)),
            ),
            Fault::MoreThanEndpoint => (
                self.url.at(),
                format!("`url` of `{}` has a user, a password or a fragment", self.of),
                "what the service wants to know goes into json, form or headers",
                format!("url = \"http://127.0.0.1:3000/api/{}\"", self.of),
            ),
            Fault::ReservedHeader(header) => (
                at_header(header),
                format!("the header `{header}` cannot be set"),
                "HTTP or the body decides what it says",
                "nothing; leave it out".to_owned(),
            ),
            Fault::HeaderText(header) => (
                at_header(header),
                format!("the header `{header}` has characters that no header has"),
                "a header's value is visible ASCII and spaces",
                format!("{header} = \"Bearer {{refresh_token}}\""),
            ),
        };
        report.wrong(at, what).why(why).write(write);
    }
}

fn members(texts: &RawTexts, report: &mut Report) -> Option<Vec<(String, Template)>> {
    let members: Vec<_> = texts
        .iter()
        .map(|(name, text)| Some((name.value.clone(), template(text, report)?)))
        .collect();
    members.into_iter().collect()
}

fn template(text: &Written<String>, report: &mut Report) -> Option<Template> {
    let template = Template::parse(&text.value);
    if template.is_err() {
        report
            .wrong(text.at(), "the text has braces that are no place for a token")
            .why("the places are {refresh_token} and {access_token}; there are no others and no other braces")
            .write("\"{refresh_token}\"");
    }
    template.ok()
}

fn pointer(key: &str, written: &Written<String>, report: &mut Report) -> Option<Pointer> {
    match Pointer::parse(&written.value) {
        Ok(pointer) => Some(pointer),
        Err(error) => {
            let name = written.value.trim_start_matches(['$', '.']).replace('.', "/");
            let meant = format!("\"/{}\"", name.replace('~', "~0"));
            let meant = if key == "others" { format!("[{meant}]") } else { meant };
            report
                .wrong(written.at(), format!("`{key}` is not a JSON pointer"))
                .why(format!("{error} (RFC 6901)"))
                .write(format!("{key} = {meant}"));
            None
        }
    }
}

fn check_placeholder(written: &Written<String>, report: &mut Report) -> Option<String> {
    let text = &written.value;
    let fits = (1..=MAX_PLACEHOLDER).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(text.clone());
    }
    report
        .wrong(written.at(), "`placeholder` is not a short word")
        .why("the page may send it back in a header: visible ASCII without spaces")
        .write("placeholder = \"kept-by-cloakroom\"");
    None
}

/// A path of the application's own requests.
fn check_path(
    key: &str,
    example: &str,
    path: &Written<String>,
    report: &mut Report,
) -> Option<String> {
    let Some(fault) = normal_path::fault(&path.value) else { return Some(path.value.clone()) };
    let instead = fault.instead.as_deref().unwrap_or(example);
    report
        .wrong(path.at(), format!("`{key}` {}", fault.what))
        .why(fault.why)
        .write(format!("{key} = \"{instead}\""));
    None
}

/// Reports paths that no request of the application could have, and those that mean two things.
pub(super) fn check_paths(
    providers: &[Written<RawProvider>],
    routes: &[RawRoute],
    auth_prefix: &str,
    report: &mut Report,
) {
    let raws = providers.iter().map(|provider| &provider.value);
    let paths: Vec<_> = raws
        .flat_map(|raw| {
            let refresh = raw.refresh.as_ref().and_then(|refresh| refresh.value.path.as_ref());
            let logout = raw.logout.as_ref().and_then(|logout| logout.value.path.as_ref());
            let named = [
                ("login", "login", raw.login.as_ref()),
                ("path", "refresh", refresh),
                ("path", "logout", logout),
            ];
            named.into_iter().filter_map(|(key, of, path)| Some((key, of, path?)))
        })
        .filter(|(.., path)| normal_path::fault(&path.value).is_none())
        .collect();
    for (number, (key, of, path)) in paths.iter().enumerate() {
        let text = path.value.as_str();
        if normal_path::is_under(text, auth_prefix) {
            report
                .wrong(path.at(), format!("`{key}` is under {auth_prefix}, where the control endpoints are"))
                .why("it is a request of the application to its own service; a request for that path would never reach it")
                .write("the path that the application uses, or another prefix:\n[auth]\nprefix = \"/session\"");
        } else if paths[..number].iter().any(|(_, other, before)| {
            // Several steps of one login, each a provider, may share refresh and logout.
            let differ = other != of || *of == "login";
            differ && before.value.eq_ignore_ascii_case(text)
        }) {
            report
                .wrong(path.at(), format!("`{text}` is another request's path already"))
                .why("a path is the login, the refresh or the logout of one service")
                .write("the path that the application uses for this one");
        } else if let Some(route) = route::longest(routes, text) {
            if *of == "login" {
                route.must_take_post(text, report);
            }
        } else {
            report
                .wrong(path.at(), format!("no [[route]] takes `{text}`"))
                .why("the application's own request goes on to its service, so a route must lead there")
                .write(format!("[[route]]\npath = \"{text}\"\nupstream = \"http://127.0.0.1:3000\""));
        }
    }
}

/// For session mode `jwt`: reports refresh requests of the application, whose paths the refresh token's
/// cookie does not come to.
pub(super) fn refuse_refresh_paths(providers: &[Written<RawProvider>], report: &mut Report) {
    let refreshes = providers.iter().filter_map(|provider| provider.value.refresh.as_ref());
    for path in refreshes.filter_map(|refresh| refresh.value.path.as_ref()) {
        report
            .wrong(path.at(), "the application's own refresh request cannot be answered in session mode \"jwt\"")
            .why("in that mode the refresh token is in a cookie that only the gateway's own refresh endpoint gets")
            .write("[session]\nmode = \"server\", or \"sealed\"; or leave path out, and let the page ask for\nPOST /auth/refresh");
    }
}

/// `Some(None)` where it is not written, `None` where it is and is wrong.
fn optional<W, T>(written: Option<W>, check: impl FnOnce(W) -> Option<T>) -> Option<Option<T>> {
    match written {
        Some(written) => check(written).map(Some),
        None => Some(None),
    }
}
