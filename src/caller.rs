//! Who asks the host for something, as far as it knows: where the connection comes from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Who asks. Everybody behind one proxy is one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A client at this address. Of IPv6 it is the network of 64 bits, of which one client may have
    /// every address (RFC 4291, section 2.5.1).
    Client(IpAddr),
    /// The host itself, which goes on with what was begun before it was started.
    Host,
}

impl From<SocketAddr> for Caller {
    fn from(peer: SocketAddr) -> Self {
        Self::Client(match peer.ip().to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => network(address).into(),
        })
    }
}

fn network(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(address @ IpAddr::V4(_)) => address.fmt(f),
            Self::Client(network @ IpAddr::V6(_)) => write!(f, "{network}/64"),
            Self::Host => f.write_str("the host"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network() {
        for (peer, expected) in [
            ("127.0.0.1:80", "127.0.0.1"),
            ("127.0.0.2:80", "127.0.0.2"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1"),
            ("[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64"),
            ("[::1]:80", "::/64"),
        ] {
            let caller = peer
                .parse()
                .map(|peer: SocketAddr| Caller::from(peer).to_string());
            assert_eq!(caller.as_deref(), Ok(expected), "{peer}");
        }
    }
}
