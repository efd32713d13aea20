//! How the values of options are written, and what is answered to one that is none.

use std::convert::Infallible;
use std::net::IpAddr;

use host::client::Address;

/// A name of the transcript, and what the command line says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// `NAME=VALUE`.
pub(super) fn named(text: &str) -> Result<Named, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Named { name: name.into(), value: value.into() }),
        _ => Err("a name, `=` and its value are needed, such as port=8080".into()),
    }
}

/// Where a module is: a device, or an address with a port.
pub(super) fn line(text: &str) -> Result<Address, Infallible> {
    Ok(text.parse().map_or_else(|_| Address::Device(text.into()), Address::Tcp))
}

/// `ADDR`.
pub(super) fn ip_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "it has to be an IP address, such as 127.0.0.1 or 0.0.0.0".into())
}

/// The name of a module type.
pub(super) fn profile(name: &str) -> Result<&'static modem::Profile, String> {
    modem::profile(name).ok_or_else(|| {
        let names: Vec<&str> = modem::PROFILES.iter().map(|profile| profile.name).collect();
        format!("there is no such module type; there are: {}", names.join(", "))
    })
}

/// The name of a family of commands, as we spell it.
pub(super) fn family(name: &str) -> Result<&'static str, String> {
    let families = families();
    families
        .iter()
        .copied()
        .find(|family| family.eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("there is no such family; there are: {}", families.join(", ")))
}

/// The families' names, each once, in the manual's order.
fn families() -> Vec<&'static str> {
    let mut families = Vec::new();
    for (family, _) in modem::commands() {
        if families.last() != Some(&family) {
            families.push(family);
        }
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_value() {
        let pair = |name: &str, value: &str| Ok(Named { name: name.into(), value: value.into() });
        assert_eq!(named("port=8080"), pair("port", "8080"));
        assert_eq!(named("url=http://a/?b=c"), pair("url", "http://a/?b=c"));
        assert_eq!(named("empty="), pair("empty", ""));
        assert!(named("port").is_err());
        assert!(named("=8080").is_err());
    }

    #[test]
    fn a_line_is_a_port_or_else_a_device() {
        assert_eq!(line("127.0.0.1:5000"), Ok(Address::Tcp(([127, 0, 0, 1], 5000).into())));
        assert_eq!(line("./modem0"), Ok(Address::Device("./modem0".into())));
        assert_eq!(line("127.0.0.1"), Ok(Address::Device("127.0.0.1".into())));
    }
}
