//! Our own requests to the service, in the shape that the operator says.

use bytes::Bytes;
use cloakroom_core::{origin::is_loopback, secret::Token, session::TokenSet};
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::{client::bare_request, discovery::parse_endpoint};

/// A text with places for tokens: `Bearer {refresh_token}`.
///
/// ```
/// use cloakroom_oauth::token_api::Template;
///
/// assert!(Template::parse("Bearer {refresh_token}")?.takes_refresh_token());
/// assert!(Template::parse("{token}").is_err());
/// # Ok::<(), cloakroom_oauth::token_api::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    AccessToken,
    RefreshToken,
}

/// A text has a brace that is neither `{access_token}` nor `{refresh_token}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the places for tokens are `{{access_token}}` and `{{refresh_token}}`; no other braces")]
pub struct TemplateError;

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyTemplate {
    /// None.
    Empty,
    /// A JSON object of texts.
    Json(Vec<(String, Template)>),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
}

/// A POST to the service.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    url: Url,
    headers: Vec<(HeaderName, Template)>,
    body: BodyTemplate,
}

/// Why a request cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestTemplateError {
    /// Not an absolute http or https URL.
    #[error("not an http or https URL")]
    NotAUrl,
    /// Plain http to another machine: tokens would travel in clear.
    #[error("plain http to another machine")]
    NotHttps,
    /// It has a user, a password or a fragment.
    #[error("the URL has a user, a password or a fragment")]
    MoreThanEndpoint,
    /// A header that HTTP or the body sets.
    #[error("the header `{0}` is not to be set")]
    ReservedHeader(HeaderName),
    /// A header's text cannot stand in a header.
    #[error("the header `{0}` has characters that no header has")]
    HeaderText(HeaderName),
}

impl Template {
    /// Reads a text with places.
    ///
    /// # Errors
    /// When it has any other brace.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, place) = rest.split_at(open);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let places =
                [("{access_token}", Piece::AccessToken), ("{refresh_token}", Piece::RefreshToken)];
            let found = places.into_iter().find(|(name, _)| place.starts_with(name));
            let (name, piece) = found.ok_or(TemplateError)?;
            pieces.push(piece);
            rest = &place[name.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Whether it has a place for the refresh token.
    pub fn takes_refresh_token(&self) -> bool {
        self.0.contains(&Piece::RefreshToken)
    }

    /// `None` where it takes a token that there is not.
    fn fill(&self, tokens: &TokenSet) -> Option<Token> {
        let mut text = String::new();
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Text(text) => text,
                Piece::AccessToken => tokens.access_token.expose(),
                Piece::RefreshToken => tokens.refresh_token.as_ref()?.expose(),
            });
        }
        Some(Token::new(text))
    }

    /// Whether what stands between the tokens can stand in a header.
    fn fits_header(&self) -> bool {
        self.0.iter().all(|piece| match piece {
            Piece::Text(text) => text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)),
            Piece::AccessToken | Piece::RefreshToken => true,
        })
    }
}

impl RequestTemplate {
    /// A POST to `url`: https, or http on this machine.
    ///
    /// # Errors
    /// See [`RequestTemplateError`].
    pub fn new(
        url: &str,
        headers: Vec<(HeaderName, Template)>,
        body: BodyTemplate,
    ) -> Result<Self, RequestTemplateError> {
        use RequestTemplateError as Fault;
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let parsed = parsed.ok_or(Fault::NotAUrl)?;
        if parsed.scheme() == "http" && !is_loopback(&parsed) {
            return Err(Fault::NotHttps);
        }
        let url = parse_endpoint(url).ok_or(Fault::MoreThanEndpoint)?;
        for (name, text) in &headers {
            if RESERVED.contains(name) {
                return Err(Fault::ReservedHeader(name.clone()));
            }
            if !text.fits_header() {
                return Err(Fault::HeaderText(name.clone()));
            }
        }
        Ok(Self { url, headers, body })
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it carries the refresh token.
    pub fn takes_refresh_token(&self) -> bool {
        let body = match &self.body {
            BodyTemplate::Empty => &[][..],
            BodyTemplate::Json(members) | BodyTemplate::Form(members) => members,
        };
        let texts = self.headers.iter().map(|(_, text)| text).chain(body.iter().map(|(_, t)| t));
        texts.into_iter().any(Template::takes_refresh_token)
    }

    /// The request for these tokens; `None` where it takes a token that there is not.
    pub fn request(&self, tokens: &TokenSet) -> Option<Request<Bytes>> {
        let fill = |members: &[(String, Template)]| {
            let texts = members.iter().map(|(name, text)| Some((name.clone(), text.fill(tokens)?)));
            texts.collect::<Option<Vec<_>>>()
        };
        let (content_type, body) = match &self.body {
            BodyTemplate::Empty => (None, String::new()),
            BodyTemplate::Json(members) => {
                let members = fill(members)?.into_iter();
                let members = members.map(|(name, text)| (name, Value::from(text.expose())));
                let object = Value::Object(members.collect::<Map<_, _>>());
                (Some("application/json"), object.to_string())
            }
            BodyTemplate::Form(members) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, text) in fill(members)? {
                    form.append_pair(&name, text.expose());
                }
                (Some("application/x-www-form-urlencoded"), form.finish())
            }
        };
        let mut request = bare_request(Method::POST, &self.url, Bytes::from(body));
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, text) in &self.headers {
            // The texts were checked, and so were the tokens when they were lifted.
            let mut value = HeaderValue::from_str(text.fill(tokens)?.expose()).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Some(request)
    }
}

/// What HTTP says by itself, or the body.
const RESERVED: [HeaderName; 9] = [
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];
