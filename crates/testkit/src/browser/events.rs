//! Server-Sent Events, as an `EventSource` reads them.

use std::io;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::Response;
use super::request::Request;
use super::response::Opened;

/// A stream of events that is open. Dropping it closes the connection.
pub struct Events {
    opened: Opened,
    text: String,
    /// How much of the text was taken for events.
    read: usize,
}

impl Events {
    /// Opens the stream; the answer of the server if it is none.
    pub(super) async fn open(request: Request) -> Result<Self, Response> {
        let opened = request.open().await.expect("a head");
        let kind = opened.headers.get("content-type").map(|kind| kind.as_bytes().to_vec());
        if opened.status != StatusCode::OK || kind.as_deref() != Some(b"text/event-stream") {
            return Err(opened.finish().await.expect("a whole answer"));
        }
        Ok(Self { opened, text: String::new(), read: 0 })
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.opened.headers
    }

    /// Everything that has come so far, comments too.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The next event with its data; `None` at the end of the stream. What is no event is passed over.
    ///
    /// # Panics
    /// If the data is no JSON.
    pub async fn next(&mut self) -> io::Result<Option<(String, Value)>> {
        loop {
            while let Some(end) = self.text[self.read..].find("\n\n") {
                let block = &self.text[self.read..self.read + end];
                self.read += end + 2;
                let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(data) = field("data: ") {
                    let data = serde_json::from_str(data).expect("JSON as data");
                    return Ok(Some((field("event: ").unwrap_or("message").to_owned(), data)));
                }
            }
            match self.opened.chunk().await? {
                Some(chunk) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                None => return Ok(None),
            }
        }
    }
}
