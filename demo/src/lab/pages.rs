//! The lab's built pages, read once at the start.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, Uri, header};

/// The files below the page's `lab` folder by their URL's path.
#[derive(Clone)]
pub(crate) struct Pages(Arc<HashMap<String, Bytes>>);

impl Pages {
    /// Reads the HTML files in `folder` and the files in its `assets`.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut files = HashMap::new();
        for (folder, prefix) in [(folder.to_owned(), "/"), (folder.join("assets"), "/assets/")] {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                    files.insert(path, fs::read(entry.path())?.into());
                }
            }
        }
        Ok(Self(Arc::new(files)))
    }

    /// Serves `index` at `/`, its assets beside it, and lets nobody but `app` put it in a frame.
    pub(crate) fn routes(&self, index: &'static str, app: &str) -> Router {
        let policy = format!("frame-ancestors {app}");
        let pages = self.clone();
        let serve = move |uri: Uri| async move {
            let path = if uri.path() == "/" { index } else { uri.path() };
            pages.answer(path, policy)
        };
        Router::new().route("/", get(serve.clone())).route("/assets/{file}", get(serve))
    }

    fn answer(&self, path: &str, policy: String) -> Response {
        let Some(body) = self.0.get(path) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let headers = [
            (header::CONTENT_TYPE, media_type(path).to_owned()),
            (header::CONTENT_SECURITY_POLICY, policy),
            // The next demo may have another page on this port.
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        (headers, body.clone()).into_response()
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/octet-stream",
    }
}
