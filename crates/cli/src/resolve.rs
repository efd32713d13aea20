//! `--resolve HOST:ADDR[:PORT]`.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where a host's connections go instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolve {
    /// The name, as the module is asked for it.
    pub(crate) host: String,
    /// The address to connect to.
    pub(crate) address: IpAddr,
    /// The port to connect to; `None`: the one that was asked for.
    pub(crate) port: Option<u16>,
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, target) = text
            .split_once(':')
            .ok_or("it has to be HOST:ADDR or HOST:ADDR:PORT, such as tcplab:127.0.0.1:57513")?;
        if host.is_empty() {
            return Err("there is no host in front of the first colon".into());
        }
        if host.len() > 253 || host.contains(char::is_whitespace) {
            return Err(format!("`{host}` can't be a host name"));
        }
        let (address, port) = if let Some(rest) = target.strip_prefix('[') {
            let (address, rest) = rest.split_once(']').ok_or("the closing bracket is missing")?;
            let address: Ipv6Addr =
                address.parse().map_err(|_| format!("`{address}` is not an IPv6 address"))?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':').ok_or("only `:PORT` may follow the bracket")?),
            };
            (IpAddr::V6(address), port)
        } else {
            if target.matches(':').count() > 1 {
                return Err(format!("write an IPv6 address in brackets: {host}:[{target}]"));
            }
            let (address, port) = match target.split_once(':') {
                Some((address, port)) => (address, Some(port)),
                None => (target, None),
            };
            let address: std::net::Ipv4Addr = address
                .parse()
                .map_err(|_| format!("`{address}` is not an IP address; names are not followed further"))?;
            (IpAddr::V4(address), port)
        };
        let port = port.map(|port| {
            port.parse::<u16>()
                .ok()
                .filter(|&number| number != 0 && !port.starts_with('+'))
                .ok_or_else(|| format!("`{port}` is not a port (1 to 65535)"))
        });
        Ok(Self { host: host.to_owned(), address, port: port.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        for (text, address, port) in [
            ("tcplab.openluat.com:127.0.0.1:57513", "127.0.0.1", Some(57513)),
            ("tcplab.openluat.com:127.0.0.1", "127.0.0.1", None),
            ("tcplab.openluat.com:[::1]:1", "::1", Some(1)),
            ("tcplab.openluat.com:[2001:db8::7]", "2001:db8::7", None),
        ] {
            let expected =
                Resolve { host: "tcplab.openluat.com".into(), address: address.parse().unwrap(), port };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("tcplab", "HOST:ADDR"),
            (":127.0.0.1", "no host"),
            ("a b:127.0.0.1", "host name"),
            ("tcplab:localhost", "not an IP address"),
            ("tcplab:", "not an IP address"),
            ("tcplab:::1", "brackets: tcplab:[::1]"),
            ("tcplab:[::1", "closing bracket"),
            ("tcplab:[127.0.0.1]", "not an IPv6 address"),
            ("tcplab:[::1]443", "may follow"),
            ("tcplab:127.0.0.1:", "not a port"),
            ("tcplab:127.0.0.1:0", "not a port"),
            ("tcplab:127.0.0.1:+5", "not a port"),
            ("tcplab:127.0.0.1:65536", "not a port"),
        ] {
            let error = text.parse::<Resolve>().expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
