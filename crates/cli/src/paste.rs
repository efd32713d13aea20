//! AT lines to paste, for the lab's servers, with the real lengths of its files.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A file that goes into the module.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// What it is called in the module.
    pub(crate) name: &'static str,
    /// The SSLCFG keyword that points to it.
    pub(crate) keyword: &'static str,
    /// What it is called on this computer.
    pub(crate) source: String,
    /// Its length in bytes.
    pub(crate) length: usize,
}

/// A session with one server: bearer, TLS context 0, connect, ten bytes, close. Indented lines are for people.
pub(crate) fn session(server: SocketAddr, uploads: &[Upload]) -> String {
    let mut text = String::from("AT+CIPSHUT\nAT+CIPMUX=0\nAT+CIPQSEND=1\nAT+CSTT\nAT+CIICR\nAT+CIFSR\n");
    let mut add = |line: std::fmt::Arguments<'_>| text.push_str(&line.to_string());
    if uploads.is_empty() {
        add(format_args!("AT+CIPSSL=0\n"));
    } else {
        add(format_args!("AT+CIPSSL=1\n"));
        for Upload { name, source, length, .. } in uploads {
            add(format_args!("AT+FSCREATE=\"{name}\"\nAT+FSWRITE=\"{name}\",0,{length},60\n"));
            add(format_args!("  at the prompt, from another terminal: cat {source} > ./modem0\n"));
        }
        for Upload { name, keyword, .. } in uploads {
            add(format_args!("AT+SSLCFG=\"{keyword}\",0,\"{name}\"\n"));
        }
        let level = if uploads.len() > 1 { 2 } else { 1 };
        add(format_args!("AT+SSLCFG=\"seclevel\",0,{level}\n"));
    }
    let server = local(server);
    add(format_args!("AT+CIPSTART=\"TCP\",\"{}\",{}\n", server.ip(), server.port()));
    add(format_args!("  when it says CONNECT OK:\nAT+CIPSEND=10\n  at the prompt:\n1234567890\n"));
    add(format_args!("AT+CIPSHUT\n"));
    if !uploads.is_empty() {
        add(format_args!("AT+CIPSSL=0\n"));
    }
    text
}

/// A session with the MQTT broker: connect, subscribe, publish to oneself, leave.
pub(crate) fn mqtt_session(server: SocketAddr, upload: Option<&Upload>) -> String {
    let mut text = String::new();
    let mut add = |line: std::fmt::Arguments<'_>| text.push_str(&line.to_string());
    if let Some(Upload { name, keyword, source, length }) = upload {
        add(format_args!("AT+FSCREATE=\"{name}\"\nAT+FSWRITE=\"{name}\",0,{length},60\n"));
        add(format_args!("  at the prompt, from another terminal: cat {source} > ./modem0\n"));
        add(format_args!("AT+SSLCFG=\"{keyword}\",88,\"{name}\"\nAT+SSLCFG=\"seclevel\",88,1\n"));
    }
    let tls = if upload.is_some() { "SSL" } else { "" };
    let server = local(server);
    add(format_args!("AT+MCONFIG=\"module\"\nAT+{tls}MIPSTART=\"{}\",{}\n", server.ip(), server.port()));
    add(format_args!("  when it says CONNECT OK:\nAT+MCONNECT=1,60\n  when it says CONNACK OK:\n"));
    add(format_args!("AT+MSUB=\"hello\",1\n  when it says SUBACK:\nAT+MPUB=\"hello\",1,0,\"world\"\n"));
    add(format_args!("  the broker sends it back\nAT+MDISCONNECT\nAT+MIPCLOSE\n"));
    text
}

/// Where a client on this computer finds a server.
pub(crate) fn local(mut server: SocketAddr) -> SocketAddr {
    match server.ip() {
        IpAddr::V4(address) if address.is_unspecified() => server.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(address) if address.is_unspecified() => server.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    server
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(name: &'static str, keyword: &'static str, length: usize) -> Upload {
        Upload { name, keyword, source: format!("lab/{name}"), length }
    }

    #[test]
    fn plain_tcp_needs_no_context() {
        let text = session("127.0.0.1:57511".parse().unwrap(), &[]);
        assert!(text.contains("AT+CIPSTART=\"TCP\",\"127.0.0.1\",57511\n"), "{text}");
        assert!(!text.contains("SSLCFG") && text.contains("AT+CIPSSL=0\n"), "{text}");
    }

    #[test]
    fn one_way_checks_the_server_only() {
        let text = session("127.0.0.1:57512".parse().unwrap(), &[upload("ca.crt", "cacert", 1212)]);
        assert!(text.contains("AT+FSWRITE=\"ca.crt\",0,1212,60\n"), "{text}");
        assert!(text.contains("AT+SSLCFG=\"cacert\",0,\"ca.crt\"\nAT+SSLCFG=\"seclevel\",0,1\n"), "{text}");
    }

    #[test]
    fn mutual_brings_three_files() {
        let uploads = [
            upload("ca.crt", "cacert", 1212),
            upload("client.crt", "clientcert", 1127),
            upload("client.key", "clientkey", 1679),
        ];
        let text = session("127.0.0.1:57513".parse().unwrap(), &uploads);
        for line in
            ["\"client.crt\",0,1127,60", "\"client.key\",0,1679,60", "\"seclevel\",0,2", "AT+CIPSSL=0"]
        {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn a_server_at_every_address_is_found_at_the_local_one() {
        let text = session("0.0.0.0:1".parse().unwrap(), &[]);
        assert!(text.contains("\"127.0.0.1\",1"), "{text}");
        assert_eq!(local("[::]:1".parse().unwrap()), "[::1]:1".parse().unwrap());
    }
}
