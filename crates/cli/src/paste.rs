//! AT lines to paste, for the lab's servers, with the real lengths of its files.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use host::lab::Service;

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

/// A session with a server. Indented lines are for people.
pub(crate) fn session(service: Service, server: SocketAddr, uploads: &[Upload]) -> String {
    match service {
        Service::Echo => echo(server, uploads),
        Service::Mqtt => mqtt(server, uploads),
        Service::Http => http(server, uploads),
        Service::Ftp => ftp(server, uploads),
    }
}

/// Files into the module, and the SSL context that points to them.
fn context(number: u32, uploads: &[Upload]) -> String {
    let mut text = String::new();
    for Upload { name, source, length, .. } in uploads {
        text += &format!("AT+FSCREATE=\"{name}\"\nAT+FSWRITE=\"{name}\",0,{length},60\n");
        text += &format!("  at the prompt, from another terminal: cat {source} > ./modem0\n");
    }
    for Upload { name, keyword, .. } in uploads {
        text += &format!("AT+SSLCFG=\"{keyword}\",{number},\"{name}\"\n");
    }
    match uploads {
        [] => {}
        [_] => text += &format!("AT+SSLCFG=\"seclevel\",{number},1\n"),
        _ => text += &format!("AT+SSLCFG=\"seclevel\",{number},2\n"),
    }
    text
}

/// Bearer, TLS context 0, connect, ten bytes, close.
fn echo(server: SocketAddr, uploads: &[Upload]) -> String {
    let secure = !uploads.is_empty();
    let (ip, port) = (server.ip(), server.port());
    let mut text = String::from("AT+CIPSHUT\nAT+CIPMUX=0\nAT+CIPQSEND=1\nAT+CSTT\nAT+CIICR\nAT+CIFSR\n");
    text += &format!("AT+CIPSSL={}\n{}", u8::from(secure), context(0, uploads));
    text += &format!("AT+CIPSTART=\"TCP\",\"{ip}\",{port}\n  when it says CONNECT OK:\n");
    text += "AT+CIPSEND=10\n  at the prompt:\n1234567890\nAT+CIPSHUT\n";
    if secure {
        text += "AT+CIPSSL=0\n";
    }
    text
}

/// Connect, subscribe, publish to oneself, leave.
fn mqtt(server: SocketAddr, uploads: &[Upload]) -> String {
    let (ip, port) = (server.ip(), server.port());
    let tls = if uploads.is_empty() { "" } else { "SSL" };
    let mut text = context(88, uploads);
    text += &format!("AT+MCONFIG=\"module\"\nAT+{tls}MIPSTART=\"{ip}\",{port}\n");
    text += "  when it says CONNECT OK:\nAT+MCONNECT=1,60\n  when it says CONNACK OK:\n";
    text += "AT+MSUB=\"hello\",1\n  when it says SUBACK:\nAT+MPUB=\"hello\",1,0,\"world\"\n";
    text += "  the broker sends it back\nAT+MDISCONNECT\nAT+MIPCLOSE\n";
    text
}

/// A page, its head, and what the server says to a body; over TLS, whom it takes the module for.
fn http(server: SocketAddr, uploads: &[Upload]) -> String {
    let mut text = context(153, uploads);
    text += "AT+SAPBR=1,1\nAT+HTTPINIT\nAT+HTTPPARA=\"CID\",1\n";
    if uploads.is_empty() {
        text += &format!("AT+HTTPPARA=\"URL\",\"http://{server}/hello.txt\"\nAT+HTTPACTION=0\n");
        text += "  when it says +HTTPACTION: 0,200,33:\nAT+HTTPREAD\nAT+HTTPHEAD\n";
        text += &format!("AT+HTTPPARA=\"URL\",\"http://{server}/echo\"\nAT+HTTPDATA=10,20000\n");
        text += "  when it says DOWNLOAD:\n1234567890\nAT+HTTPACTION=1\n";
        text += "  when it says +HTTPACTION: 1,200 and a length:\n";
    } else {
        text += &format!("AT+HTTPPARA=\"URL\",\"https://{server}/echo\"\nAT+HTTPACTION=0\n");
        text += "  when it says +HTTPACTION: 0,200 and a length:\n";
    }
    text += "AT+HTTPREAD\nAT+HTTPTERM\nAT+SAPBR=0,1\n";
    text
}

/// A file down, another up; over TLS, the list of what there is.
fn ftp(server: SocketAddr, uploads: &[Upload]) -> String {
    let (ip, port) = (server.ip(), server.port());
    let mut text = context(34, uploads);
    text += "AT+SAPBR=1,1\n";
    text += &format!("AT+FTPSSL={}\n", u8::from(!uploads.is_empty()));
    text += &format!("AT+FTPCID=1\nAT+FTPSERV=\"{ip}\"\nAT+FTPPORT={port}\n");
    text += "AT+FTPUN=\"me\"\nAT+FTPPW=\"any\"\nAT+FTPTYPE=\"I\"\nAT+FTPGETPATH=\"/\"\n";
    if uploads.is_empty() {
        text += "AT+FTPGETNAME=\"hello.txt\"\nAT+FTPGET=1\n  when it says +FTPGET: 1,1:\n";
        text += "AT+FTPGET=2,1460\n  when it says +FTPGET: 1,0:\n";
        text += "AT+FTPPUTPATH=\"/upload/\"\nAT+FTPPUTNAME=\"mine.txt\"\nAT+FTPPUT=1\n";
        text += "  when it says +FTPPUT: 1,1,1360:\nAT+FTPPUT=2,10\n1234567890\n";
        text += "  when it says +FTPPUT: 1,1,1360 again:\nAT+FTPPUT=2,0\n  when it says +FTPPUT: 1,0:\n";
    } else {
        text += "AT+FTPLIST=1\n  when it says +FTPLIST: 1,1:\nAT+FTPLIST=2,1460\n";
        text += "  when it says +FTPLIST: 1,0:\nAT+FTPSSL=0\n";
    }
    text += "AT+SAPBR=0,1\n";
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

/// Where a module finds a server, wherever it runs: for a server at every address, the one that this computer has in its network.
pub(crate) fn reachable(mut server: SocketAddr) -> SocketAddr {
    if !server.ip().is_unspecified() {
        return server;
    }
    // Nothing is sent: this only asks the computer which way it would go. The addresses belong to nobody (RFC 5737, RFC 3849).
    let outside = if server.is_ipv4() { "192.0.2.1:9" } else { "[2001:db8::1]:9" };
    let own = UdpSocket::bind(SocketAddr::new(server.ip(), 0))
        .and_then(|socket| socket.connect(outside).and_then(|()| socket.local_addr()));
    match own {
        Ok(own) if !own.ip().is_unspecified() => {
            server.set_ip(own.ip());
            server
        }
        // A computer without a network.
        _ => local(server),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(name: &'static str, keyword: &'static str, length: usize) -> Upload {
        Upload { name, keyword, source: format!("lab/{name}"), length }
    }

    #[test]
    fn plain_tcp_needs_no_context() {
        let text = session(Service::Echo, "127.0.0.1:57511".parse().unwrap(), &[]);
        assert!(text.contains("AT+CIPSTART=\"TCP\",\"127.0.0.1\",57511\n"), "{text}");
        assert!(!text.contains("SSLCFG") && text.contains("AT+CIPSSL=0\n"), "{text}");
    }

    #[test]
    fn one_way_checks_the_server_only() {
        let text =
            session(Service::Echo, "127.0.0.1:57512".parse().unwrap(), &[upload("ca.crt", "cacert", 1212)]);
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
        let text = session(Service::Echo, "127.0.0.1:57513".parse().unwrap(), &uploads);
        for line in
            ["\"client.crt\",0,1127,60", "\"client.key\",0,1679,60", "\"seclevel\",0,2", "AT+CIPSSL=0"]
        {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn every_service_has_its_context() {
        let server: SocketAddr = "[::1]:1".parse().unwrap();
        for (service, context, line) in [
            (Service::Mqtt, 88, "AT+SSLMIPSTART=\"::1\",1\n"),
            (Service::Http, 153, "AT+HTTPPARA=\"URL\",\"https://[::1]:1/echo\"\n"),
            (Service::Ftp, 34, "AT+FTPSSL=1\n"),
        ] {
            let text = session(service, server, &[upload("ca.crt", "cacert", 1212)]);
            assert!(text.contains(&format!("AT+SSLCFG=\"cacert\",{context},\"ca.crt\"\n")), "{text}");
            assert!(text.contains(line), "{line} in {text}");
            assert!(
                service != Service::Ftp || text.contains("AT+FTPSSL=0\n"),
                "the next session is plain: {text}"
            );
            assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        }
    }

    #[test]
    fn a_server_at_every_address_has_one_that_works() {
        for (every, local_one) in [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1")] {
            let every: SocketAddr = every.parse().unwrap();
            assert_eq!(local(every), local_one.parse().unwrap());
            let reachable = reachable(every);
            assert!(!reachable.ip().is_unspecified() && reachable.port() == 1, "{reachable}");
            // It is this computer's own: somebody can listen there.
            std::net::TcpListener::bind((reachable.ip(), 0)).unwrap();
        }
        assert_eq!(reachable("192.0.2.7:1".parse().unwrap()), "192.0.2.7:1".parse().unwrap());
    }
}
