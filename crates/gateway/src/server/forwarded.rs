//! Who a request comes from, and how it came (R68).
//!
//! A proxy in front of us adds to `X-Forwarded-For` the address that it saw, and says in
//! `X-Forwarded-Proto` how the browser came. Anybody can send such headers; what a client wrote stands to
//! the left of what our own proxies added. So:
//!
//! 1. The TCP peer is what nobody can forge. If it is no proxy of ours, it is the client, and what it
//!    says of itself is not read.
//! 2. If it is one, the last address of the list is what it saw. That is the client, unless it is a
//!    proxy of ours, too: then the one before it counts, and so on. The client is the right-most
//!    address that is no proxy of ours; everything left of it is hearsay and dropped.
//! 3. What is no address ends the walk: the client is then the proxy that wrote it.
//!
//! Where TLS ends in front of us, and it is said who may end it, a request from anybody else came by
//! plain HTTP, whatever it says.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::network::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Our proxies in a row; more is no real list.
const MOST_HOPS: usize = 16;

/// Whose word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<Network>);

/// Where a request comes from. Only [`TrustedProxies::arrival`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The client first, then our proxies, in the order of the request's way; never empty.
    hops: Vec<IpAddr>,
    secure: bool,
}

impl Arrival {
    /// The way from the client to us, as an upstream may know it: the client, and our proxies.
    pub(crate) fn hops(&self) -> &[IpAddr] {
        &self.hops
    }

    /// Who sent the request, as far as anybody can know.
    pub(super) fn client(&self) -> IpAddr {
        self.hops[0]
    }

    /// Whether the browser came by TLS, as far as anybody can know.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }
}

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Judges a request that came from `peer`, over TLS of ours or not.
    pub(super) fn arrival(&self, peer: IpAddr, tls: bool, headers: &HeaderMap) -> Arrival {
        let peer = peer.to_canonical();
        let mut hops = vec![peer];
        if !self.trusts(peer) {
            // Where nobody is named, TLS ends in front of us, and who ends it cannot be told.
            return Arrival { hops, secure: tls || self.0.is_empty() };
        }
        let listed = headers.get_all(FORWARDED_FOR).iter().rev().flat_map(|value| {
            value.as_bytes().rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii)
        });
        for hop in listed.map(address).take(MOST_HOPS) {
            let Some(hop) = hop else { break };
            hops.push(hop);
            if !self.trusts(hop) {
                break;
            }
        }
        hops.reverse();
        Arrival { hops, secure: came_by_tls(headers) }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// An element of the list: an address, with a port where the proxy adds it.
fn address(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(bare);
    address
        .or_else(|| text.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
        .map(|address| address.to_canonical())
}

/// A proxy that says nothing has ended TLS, as the public URL tells. Of several words one that is not
/// TLS counts: somewhere on its way the request was plain.
fn came_by_tls(headers: &HeaderMap) -> bool {
    headers.get_all(FORWARDED_PROTO).iter().all(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .all(|word| word.eq_ignore_ascii_case(b"https") || word.eq_ignore_ascii_case(b"wss"))
    })
}
