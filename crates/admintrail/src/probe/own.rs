//! This machine's own addresses, except loopback: those from which others reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

/// All that can be found out, with port 0.
pub(super) fn addresses() -> Vec<SocketAddr> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let mut all = of_trie(&read("/proc/net/fib_trie"));
    all.extend(of_if_inet6(&read("/proc/net/if_inet6")));
    // Where there is no /proc, at least the one that talks to the world. No packet is sent.
    for (from, to) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let asked = UdpSocket::bind(from).and_then(|socket| {
            socket.connect(to)?;
            socket.local_addr()
        });
        all.extend(asked.map(|address| SocketAddr::new(address.ip(), 0)));
    }
    all.retain(|address| !address.ip().is_loopback() && !address.ip().is_unspecified());
    all.sort_unstable();
    all.dedup();
    all
}

/// The kernel's table of IPv4 routes: `|-- 192.0.2.2` and below it `/32 host LOCAL`.
fn of_trie(text: &str) -> Vec<SocketAddr> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let [address, kind] = pair else { return None };
        let address = address.strip_prefix("|-- ")?.parse::<Ipv4Addr>().ok()?;
        (*kind == "/32 host LOCAL").then_some(SocketAddr::new(IpAddr::V4(address), 0))
    });
    pairs.collect()
}

/// `fe80…0001 02 40 20 80 eth0`: address, interface, length, scope (all hexadecimal).
fn of_if_inet6(text: &str) -> Vec<SocketAddr> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = u128::from_str_radix(words.next()?, 16).ok()?;
        let interface = u32::from_str_radix(words.next()?, 16).ok()?;
        let address = Ipv6Addr::from(address);
        let scope = if address.is_unicast_link_local() {
            interface
        } else {
            0
        };
        Some(SocketAddrV6::new(address, 0, 0, scope).into())
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
                    |-- 192.0.2.2\n        /32 host LOCAL\n     |-- 192.0.2.255\n\
                    /32 link BROADCAST\n     |-- nonsense\n        /32 host LOCAL\n";
        assert_eq!(of_trie(trie), ["192.0.2.2:0".parse().unwrap()]);
        let inet6 = "fd000000000000000000000000000002 04 40 00 82     eth0\n\
                     fe8000000000000000fc00fffe000001 04 40 20 80     eth0\nnonsense\n\n";
        let found = of_if_inet6(inet6);
        assert_eq!(found[0], "[fd00::2]:0".parse().unwrap());
        assert_eq!(found[1], "[fe80::fc:ff:fe00:1%4]:0".parse().unwrap());
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn loopback_is_not_among_them() {
        let all = addresses();
        assert!(all.iter().all(|it| !it.ip().is_loopback()), "{all:?}");
    }
}
