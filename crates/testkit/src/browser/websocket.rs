//! A WebSocket in a page.

use std::io;

use http::StatusCode;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::{Request, Response};
use crate::websocket::{self, CLOSE, TEXT};

/// Sixteen bytes in Base64; they need not be random where no cache is to be fooled.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// Likewise.
const MASK: [u8; 4] = [7, 1, 8, 2];

/// An open WebSocket. Dropping it closes the connection.
pub struct WebSocket {
    stream: TokioIo<Upgraded>,
}

impl WebSocket {
    /// Sends a text.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        websocket::write_frame(&mut self.stream, TEXT, text.as_bytes(), Some(MASK)).await
    }

    /// The next text; `None` when the server closes.
    pub async fn receive(&mut self) -> io::Result<Option<String>> {
        match websocket::read_frame(&mut self.stream).await {
            Ok((CLOSE, _)) => Ok(None),
            Ok((_, payload)) => String::from_utf8(payload).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The opening handshake (RFC 6455 §4.1).
pub(super) async fn open(request: Request) -> Result<WebSocket, Response> {
    let handshake = request
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY);
    let answer = handshake.open().await.expect("an answer to the handshake");
    if answer.status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(answer.finish().await.expect("a whole refusal"));
    }
    let accept = answer.headers.get("sec-websocket-accept").map(|value| value.as_bytes());
    assert_eq!(accept, Some(websocket::accept_key(KEY).as_bytes()), "the handshake is answered");
    let stream = answer.upgrade().await.expect("a connection that is upgraded");
    Ok(WebSocket { stream: TokioIo::new(stream) })
}
