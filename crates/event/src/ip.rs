//! Client addresses in one width, so that columns and comparisons need no cases.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// An IPv6 address, or an IPv4 one mapped into `::ffff:0:0/96` (RFC 4291 section 2.5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ip(pub [u8; 16]);

impl Ip {
    /// The address as people write it: IPv4 where it is one.
    #[must_use]
    pub fn to_addr(self) -> IpAddr {
        Ipv6Addr::from(self.0).to_canonical()
    }

    /// Whether the network holds it. IPv4 addresses are in IPv4 networks only: `::/0` is all IPv6.
    #[must_use]
    pub fn is_in(self, net: &IpNet) -> bool {
        net.contains(&self.to_addr())
    }
}

impl From<IpAddr> for Ip {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(v4) => Self(v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => Self(v6.octets()),
        }
    }
}

/// RFC 5952 text.
impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_addr().fmt(f)
    }
}

impl FromStr for Ip {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpAddr>().map(Self::from)
    }
}
