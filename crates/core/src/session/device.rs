//! What a user may recognise a login by: its browser in words, and its address.
//!
//! Both are personal data, and kept as small as serves that end: of the `User-Agent` a few words out of the
//! tables below, so that nothing that a client wrote is ever shown; of IPv6 the network alone, because the
//! rest of the address names one machine and changes daily. Both are those of the login: nobody's way
//! through the networks is recorded.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// What a product of a `User-Agent` says of the browser. What names the browser that it is built on, too,
/// stands before that one.
const BROWSERS: [(&str, &str); 20] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Epiphany/", "GNOME Web"),
    // Many say `Safari/` who are not: it has its own `Version/`.
    ("Version/", "Safari"),
    ("curl/", "curl"),
];

/// What the first comment of a `User-Agent` says of the system, the more exact before the less.
const SYSTEMS: [(&str, &str); 11] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    // An iPad that asks for pages of a desktop says so too.
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("NetBSD", "NetBSD"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// Where a login came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Browser and system in words, such as `Firefox on Windows`, where the client said anything known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The IPv4 address, or the IPv6 network of 64 bits, such as `2001:db8:1:2::/64`; where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Device {
    /// What is kept of a login's `User-Agent` and address.
    ///
    /// ```
    /// use cloakroom_core::session::Device;
    ///
    /// let agent = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
    /// let device = Device::new(Some(agent), Some("2001:db8:1:2:3:4:5:6".parse().unwrap()));
    /// assert_eq!(device.name.as_deref(), Some("Firefox on Windows"));
    /// assert_eq!(device.address.as_deref(), Some("2001:db8:1:2::/64"));
    /// ```
    pub fn new(user_agent: Option<&[u8]>, address: Option<IpAddr>) -> Self {
        Self { name: user_agent.and_then(name), address: address.map(shown) }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.name.is_none() && self.address.is_none()
    }
}

fn name(user_agent: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(user_agent);
    let comment = text.split_once('(').map_or("", |(_, rest)| rest.split(')').next().unwrap_or(""));
    let says = |product: &str| text.split_ascii_whitespace().any(|word| word.starts_with(product));
    let browser = BROWSERS.iter().find(|(product, _)| says(product)).map(|(_, name)| *name);
    let system = SYSTEMS.iter().find(|(word, _)| comment.contains(word)).map(|(_, name)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn shown(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
        whole => whole.to_string(),
    }
}
