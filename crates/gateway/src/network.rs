//! IP networks (RFC 4632, RFC 4291 §2.3).

#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr};

/// All addresses that begin with the same bits. An IPv4 address that is written as an IPv6 one
/// (`::ffff:10.0.0.1`) is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Neither `10.0.0.1` nor `10.0.0.0/8`, `fd00::1` or `fd00::/8`.
    Form,
    /// A prefix of no bits: everybody.
    Everybody,
    /// Bits behind the prefix are set; this is the network without them.
    HostBits(Network),
}

impl Network {
    /// Reads an address, or an address and the number of its bits that count.
    ///
    /// # Errors
    /// When it is neither, or means everybody, or an address and a network at once.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let written_bits = width(address);
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| NetworkError::Form)?
            }
            Some(_) => return Err(NetworkError::Form),
            None => written_bits,
        };
        if prefix > written_bits {
            return Err(NetworkError::Form);
        }
        let canonical = address.to_canonical();
        // `::ffff:0:0/96` and shorter would be all of IPv4, and more.
        let cut = written_bits - width(canonical);
        let Some(prefix) = prefix.checked_sub(cut).filter(|prefix| *prefix > 0) else {
            return Err(NetworkError::Everybody);
        };
        let network = Self { first: masked(canonical, prefix), prefix };
        if network.first == canonical { Ok(network) } else { Err(NetworkError::HostBits(network)) }
    }

    /// Whether it is wider than anybody's own: `/8` in IPv4, `/16` in IPv6.
    pub fn is_wide(&self) -> bool {
        self.prefix < if self.first.is_ipv4() { 8 } else { 16 }
    }

    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.first) && masked(address, self.prefix) == self.first
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first `prefix` bits, at least one of them, and zeros.
fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & (u32::MAX << (32 - prefix))).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << (128 - prefix))).into()),
    }
}
