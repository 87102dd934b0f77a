//! Headers at the proxy's edge (R63, R64, R68).

use cloakroom_core::origin::PublicOrigin;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
};

use crate::server::Arrival;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Takes off what belongs to the browser's connection, puts on what the upstream may know.
///
/// `Connection` itself was taken apart at the gate; what is left of it asks for an upgrade. The public
/// side is `origin`, one of those configured, never what the request says of itself (R67).
pub(super) fn prepare_request(
    headers: &mut HeaderMap,
    origin: Option<&PublicOrigin>,
    arrival: &Arrival,
) {
    // The framing is hyper's to say, the host is the upstream's own.
    for name in [EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    if let Some(origin) = origin
        && let Ok(host) = HeaderValue::from_str(origin.authority())
    {
        let proto = if origin.is_https() { "https" } else { "http" };
        headers.insert(FORWARDED_HOST, host);
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
    let hops: Vec<_> = arrival.hops().iter().map(ToString::to_string).collect();
    if let Ok(hops) = HeaderValue::try_from(hops.join(", ")) {
        headers.insert(FORWARDED_FOR, hops);
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
