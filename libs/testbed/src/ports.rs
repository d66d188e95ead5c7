//! Free ports that stay free.
//!
//! A server that is killed and restarted must find its port again, so the ports lie below the range
//! from which the kernel takes those of outgoing connections. And two stacks that start at once must
//! not choose the same: each port is claimed by an abstract socket of its number, which the kernel
//! releases when the owner ends, however it ends, and which leaves no file behind.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::{linux::net::SocketAddrExt, unix::net::UnixListener},
};

use rand::Rng;

/// Below `net.ipv4.ip_local_port_range`, whose usual start is 32768.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// Ports held for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Ports {
    ports: Vec<u16>,
    _claims: Vec<UnixListener>,
}

impl Ports {
    /// Claims `count` ports on the loopback address. The same `seed` tries the same ports first, so a
    /// developer's stack tends to keep its addresses from one start to the next.
    pub(crate) fn claim(count: usize, seed: Option<u64>) -> io::Result<Self> {
        let span = u64::from(RANGE.end - RANGE.start);
        let first = seed.unwrap_or_else(|| rand::rng().random()) % span;
        let mut ports = Vec::with_capacity(count);
        let mut claims = Vec::with_capacity(count);
        for step in 0..span {
            if ports.len() == count {
                break;
            }
            let offset = u16::try_from((first + step) % span).unwrap_or(0);
            let port = RANGE.start + offset;
            if let Some(claim) = claim(port) {
                ports.push(port);
                claims.push(claim);
            }
        }
        if ports.len() < count {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("fewer than {count} ports are free in {RANGE:?}"),
            ));
        }
        Ok(Self {
            ports,
            _claims: claims,
        })
    }

    /// The ports, in the order in which they were claimed.
    pub(crate) fn list(&self) -> &[u16] {
        &self.ports
    }
}

fn claim(port: u16) -> Option<UnixListener> {
    let name = format!("nova-testbed-port-{port}");
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
    let claim = UnixListener::bind_addr(&address).ok()?;
    // On every address: a server of somebody else may listen on one of them only.
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).ok()?;
    Some(claim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_port_is_never_given_twice() {
        let first = Ports::claim(8, Some(7)).unwrap();
        let second = Ports::claim(8, Some(7)).unwrap();
        for port in second.list() {
            assert!(!first.list().contains(port), "{port} was given twice");
        }
    }

    #[test]
    fn a_released_port_is_given_again() {
        let seed = Some(4_000);
        let ports = Ports::claim(4, seed).unwrap().list().to_vec();
        assert_eq!(Ports::claim(4, seed).unwrap().list(), ports);
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let free = Ports::claim(1, Some(9_000)).unwrap().list()[0];
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free)).unwrap();
        assert!(!Ports::claim(1, Some(9_000)).unwrap().list().contains(&free));
        drop(taken);
    }
}
