//! Headers at the proxy's edge (R63, R64, R68).

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What every upstream is told of the public side; from the configuration, never from a request.
#[derive(Debug)]
pub(super) struct Forwarded {
    host: HeaderValue,
    proto: HeaderValue,
}

impl Forwarded {
    pub(super) fn new(host: &str, https: bool) -> Self {
        let host = HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static(""));
        Self { host, proto: HeaderValue::from_static(if https { "https" } else { "http" }) }
    }
}

/// Takes off what belongs to the browser's connection, puts on what the upstream may know.
///
/// `Connection` itself was taken apart at the gate; what is left of it asks for an upgrade.
pub(super) fn prepare_request(headers: &mut HeaderMap, forwarded: &Forwarded, peer: IpAddr) {
    // The framing is hyper's to say, the host is the upstream's own.
    for name in [EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.insert(FORWARDED_HOST, forwarded.host.clone());
    headers.insert(FORWARDED_PROTO, forwarded.proto.clone());
    if let Ok(peer) = HeaderValue::try_from(peer.to_canonical().to_string()) {
        headers.insert(FORWARDED_FOR, peer);
    }
}

/// Takes off an answer what belongs to the upstream's connection (RFC 9110 §7.6.1).
pub(super) fn clean_answer(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| HeaderName::from_bytes(token.trim().as_bytes()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}
