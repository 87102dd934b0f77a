//! The static files of a single-page app.
//!
//! tower-http's `ServeDir` does the protocol: streaming, ranges, validators, files that the build has
//! compressed (`app.js.br`, `.gz`, `.zst` beside `app.js`). What is served, and for how long a
//! browser keeps it, is decided here:
//!
//! 1. GET and HEAD alone; anything else is 405.
//! 2. A path with a segment that begins with a dot names nothing, but for those below `/.well-known/`.
//! 3. A file is itself; a folder is its `index.html`; no folder is ever listed.
//! 4. What is no file is the app, that is `/index.html`: for a navigation, and for every path without
//!    an extension. A missing asset is 404, and so is anything missing below `/.well-known/`.
//! 5. Symbolic links are followed as long as they stay in the site's folder; see [`folder`].
//! 6. A file whose name holds a hash of its content is kept for a year and never asked for again; see
//!    [`hashed`]. Everything else is asked for each time and, unchanged, answered 304.

mod folder;
mod hashed;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::{io, path::PathBuf};

use cloakroom::{Reason, Refusal, ReplyBody, RequestId};
use cloakroom_core::path::NormalPath;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{
        ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, VARY,
    },
    request::Parts,
};
use tower_http::services::fs::{DefaultServeDirFallback, ServeDir, ServeFileSystemResponseBody};

use folder::Folder;

/// A file as it is read, or a refusal.
pub(crate) type SiteBody = ReplyBody<ServeFileSystemResponseBody>;

const APP: &str = "/index.html";
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// A folder that a single-page app was built into.
#[derive(Debug)]
pub(crate) struct Site {
    files: ServeDir<DefaultServeDirFallback, Folder>,
}

/// Why a folder is no site.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    /// There is no `index.html` to be read.
    #[error("the site's folder {} has no index.html that can be read: build the app, or set [site] dir to where its build goes", .dir.display())]
    NoApp {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Site {
    /// The site in `dir`.
    ///
    /// The folder's name is looked up for each request, so that a new build may take its place, also
    /// where `dir` is a link to it.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, SiteError> {
        let folder = Folder::new(dir);
        folder
            .open_file(APP.trim_start_matches('/').as_ref())
            .map_err(|source| SiteError::NoApp { dir: folder.root().to_owned(), source })?;
        let files = ServeDir::with_backend("", folder)
            .redirect_to_trailing_slash(false)
            .ignore_multi_range_requests(true)
            .precompressed_br()
            .precompressed_gzip()
            .precompressed_zstd();
        Ok(Self { files })
    }

    /// Answers a request whose path the gate has brought into normal form.
    pub(crate) async fn answer(&self, request: &Parts) -> Response<SiteBody> {
        self.find(request).await.unwrap_or_else(|refusal| {
            let id = request.extensions.get::<RequestId>().cloned().unwrap_or_default();
            refusal.into_response(&id, asks_for_a_page(&request.headers))
        })
    }

    async fn find(&self, request: &Parts) -> Result<Response<SiteBody>, Refusal> {
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let refusal = Refusal::new(Reason::MethodNotAllowed, "the site's files are only read");
            return Err(refusal.allow("GET, HEAD"));
        }
        // Does nothing to a normal path; what is not one must not come near the disk.
        let path = NormalPath::parse(request.uri.path())
            .map_err(|error| Refusal::new(Reason::BadPath, error.to_string()))?;
        let path = path.as_str();
        if !is_visible(path) {
            return Err(Refusal::new(Reason::NoRoute, "a name that begins with a dot"));
        }
        if let Some(answer) = self.serve(path, request).await {
            return Ok(answer);
        }
        if is_app_path(path, &request.headers)
            && let Some(answer) = self.serve(APP, request).await
        {
            return Ok(answer);
        }
        Err(Refusal::new(Reason::NoRoute, "no such file"))
    }

    /// The file at `path`; none where there is no such file.
    async fn serve(&self, path: &str, request: &Parts) -> Option<Response<SiteBody>> {
        let question = question(path, request)?;
        let mut answer = match self.files.clone().try_call(question).await {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => return None,
            Ok(answer) => answer.map(ReplyBody::inner),
            Err(error) if is_missing(&error) => return None,
            Err(error) => {
                tracing::error!(path, %error, "a file of the site cannot be read");
                let mut answer = Response::new(ReplyBody::inner(Default::default()));
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                answer
            }
        };
        let kept = match answer.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED => {
                answer.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
                if hashed::is_hashed(path) { FOREVER } else { ASK_AGAIN }
            }
            _ => NOT_KEPT,
        };
        answer.headers_mut().insert(CACHE_CONTROL, kept);
        name_charset(answer.headers_mut());
        Some(answer)
    }
}

/// The request to `ServeDir`: the path, and of the headers those that it is meant to see.
fn question(path: &str, request: &Parts) -> Option<Request<()>> {
    const SEEN: [http::HeaderName; 5] =
        [ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE];
    let mut question = Request::new(());
    *question.method_mut() = request.method.clone();
    *question.uri_mut() = Uri::try_from(path).ok()?;
    let headers = question.headers_mut();
    for name in SEEN {
        for value in request.headers.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    // A part of a file that may have changed since the others were sent is of no use, and ServeDir
    // does not compare `If-Range`: such a request gets the whole file (RFC 9110 §13.1.5, §14.2).
    if let Some(range) = request.headers.get(RANGE)
        && !request.headers.contains_key(IF_RANGE)
    {
        headers.insert(RANGE, range.clone());
    }
    Some(question)
}

/// No segment begins with a dot; the first may be `.well-known` (RFC 8615).
fn is_visible(path: &str) -> bool {
    let path = path.strip_prefix("/.well-known/").unwrap_or(path);
    !path.split('/').any(|segment| segment.starts_with('.'))
}

/// Whether a path that is no file is a path within the app.
fn is_app_path(path: &str, headers: &HeaderMap) -> bool {
    if path.starts_with("/.well-known/") {
        return false;
    }
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    !name.contains('.') || asks_for_a_page(headers)
}

/// A browser names `text/html` when a person goes somewhere, and not when a page loads an asset.
fn asks_for_a_page(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| {
        accept.as_bytes().split(|byte| *byte == b',').any(|range| {
            let essence = range.split(|byte| *byte == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(b"text/html")
        })
    })
}

/// As browsers read them anyway, but never guessed from the content.
fn name_charset(headers: &mut HeaderMap) {
    let Some(known) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let is_text = known.starts_with("text/") || known == "application/javascript";
    if is_text
        && !known.contains(';')
        && let Ok(named) = HeaderValue::try_from(format!("{known}; charset=utf-8"))
    {
        headers.insert(CONTENT_TYPE, named);
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::PermissionDenied
    )
}
