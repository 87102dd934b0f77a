//! Which part listens where.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};

use tokio::net::TcpListener;

use crate::failure::{Failure, While as _};

/// Makes sure that the gateway can have `port`, on both addresses that `localhost` may stand for:
/// a program on the other one would get the browser's requests.
pub(crate) fn check(port: u16) -> Result<(), Failure> {
    let addresses: [SocketAddr; 2] =
        [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
    for address in addresses {
        match StdListener::bind(address) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(Failure::PortTaken(port));
            }
            // A machine without IPv6.
            Err(_) if address.is_ipv6() => {}
            Err(cause) => return Err(Failure::Port { port, cause }),
        }
    }
    Ok(())
}

/// A free port for a part of the demo: `port + offset`, or any.
pub(crate) fn near(port: u16, offset: u16) -> u16 {
    port.checked_add(offset).filter(|&port| check(port).is_ok()).unwrap_or(0)
}

/// Listens on `port` of 127.0.0.1, or on any free one.
pub(crate) async fn listen(port: u16) -> Result<(TcpListener, u16), Failure> {
    let doing = "a port of 127.0.0.1 could not be had";
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.doing(doing)?,
    };
    let port = listener.local_addr().doing(doing)?.port();
    Ok((listener, port))
}
