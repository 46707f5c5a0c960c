//! Where the page listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// Where the page is served.
pub(super) struct Bound {
    pub listeners: Vec<TcpListener>,
    /// The first of them; of port 0 with the port that the system chose, which all have.
    pub address: SocketAddr,
}

/// Binds the address, and beside one of loopback the other one of the same port: a browser may take
/// `localhost` for either. `None` where the port is in use, which is told and costs nothing else.
pub(super) async fn bind(address: SocketAddr) -> Option<Bound> {
    let (first, address) = match listen(address).await {
        Ok(bound) => bound,
        Err(error) => {
            let reason = match error.kind() {
                io::ErrorKind::AddrInUse => "another program uses the port".to_owned(),
                _ => error.to_string(),
            };
            tracing::warn!(
                "the status page is not served at `{address}`: {reason}; set \
                 `status_page.listen` in kado.toml to another port, or to \"\" for no page"
            );
            return None;
        }
    };

    tracing::info!(address = %format_args!("http://{address}"), "the status page is served");
    let mut listeners = vec![first];
    if let Some(sibling) = sibling(address)
        && let Ok(second) = TcpListener::bind(sibling).await
    {
        // A machine without IPv6 has no second one, and misses nothing.
        listeners.push(second);
    }
    Some(Bound { listeners, address })
}

async fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The other address of loopback.
fn sibling(address: SocketAddr) -> Option<SocketAddr> {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => return None,
    };
    Some(SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_loopback_has_a_sibling() {
        for (address, other) in [
            ("127.0.0.1:7440", Some("[::1]:7440")),
            ("[::1]:9", Some("127.0.0.1:9")),
            ("127.0.0.2:7440", None),
            ("10.0.0.7:7440", None),
        ] {
            let other = other.map(|other| other.parse().unwrap());
            assert_eq!(sibling(address.parse().unwrap()), other, "{address}");
        }
    }
}
