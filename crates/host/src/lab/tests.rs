use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;
use tls::{Connector, Identity, Policy, SUITES, ServerName, Suite, TimeRule, Verify, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn lab(directory: &TempDir, ports: Ports) -> Lab {
    let address = "127.0.0.1".parse().unwrap();
    Lab::start(&LabSpec { directory: directory.path().join("lab"), address, ports }).await.unwrap()
}

/// A client that checks the server, and has a certificate if `identity`.
pub(super) fn policy(lab: &Lab, identity: bool) -> Policy {
    let credentials = lab.credentials();
    let pem = |(_, bytes): (PathBuf, &[u8])| bytes.to_vec();
    Policy {
        anchors: Some(pem(credentials.ca())),
        identity: identity.then(|| Identity {
            certificate: pem(credentials.client_certificate()),
            key: pem(credentials.client_key()),
        }),
        verify: Verify::Chain {
            partial: false,
            name: Some(ServerName::parse("tcplab.openluat.com")),
            time: TimeRule::At(crate::unix_millis() / 1000),
        },
        ..Policy::default()
    }
}

async fn comes_back<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let sent: Vec<u8> = (0..=255).collect();
    stream.write_all(&sent).await.unwrap();
    let mut got = vec![0; sent.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(got, sent);
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut got).await.unwrap(), 0, "the server ends too");
}

pub(super) async fn connect(
    lab: &Lab,
    kind: Kind,
    policy: &Policy,
) -> Result<tls::TlsStream<TcpStream>, Box<tls::Failure>> {
    let tcp = TcpStream::connect(lab.address(kind)).await.unwrap();
    Connector::new().connect(tcp, policy, LIMIT).await
}

#[tokio::test]
async fn all_three_servers_send_back_what_comes() {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    comes_back(TcpStream::connect(lab.address(Kind::Tcp)).await.unwrap()).await;
    comes_back(connect(&lab, Kind::OneWay, &policy(&lab, false)).await.unwrap()).await;
    comes_back(connect(&lab, Kind::Mutual, &policy(&lab, true)).await.unwrap()).await;
}

#[tokio::test]
async fn every_version_and_suite_of_the_module_is_taken() {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    let mut sessions = 0;
    for version in [Version::Ssl30, Version::Tls10, Version::Tls11, Version::Tls12] {
        for (suite, ..) in SUITES {
            if suite == Suite(0x003D) && version != Version::Tls12 {
                continue;
            }
            let policy = Policy {
                min_version: version,
                max_version: version,
                suites: vec![suite],
                ..policy(&lab, true)
            };
            let stream = connect(&lab, Kind::Mutual, &policy).await.unwrap();
            assert_eq!((stream.report().version, stream.report().suite), (Some(version), suite));
            comes_back(stream).await;
            sessions += 1;
        }
    }
    assert_eq!(sessions, 21);
}

#[tokio::test]
async fn the_mutual_server_takes_nobody_without_a_certificate() {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    let failure = connect(&lab, Kind::Mutual, &policy(&lab, false)).await.expect_err("no certificate");
    assert!(failure.to_string().contains("certificate"), "{failure}");
}

#[tokio::test]
async fn credentials_are_used_again_and_made_anew_when_they_are_broken() {
    let directory = TempDir::new().unwrap();
    let pem = |lab: &Lab| lab.credentials().ca().1.to_vec();
    let first = lab(&directory, Ports::Free).await;
    assert!(first.credentials().is_fresh());
    let second = lab(&directory, Ports::Free).await;
    assert!(!second.credentials().is_fresh());
    assert_eq!(pem(&first), pem(&second));

    // A key that belongs to another certificate.
    let path = directory.path().join("lab");
    fs::copy(path.join("client.key"), path.join("server.key")).unwrap();
    let third = lab(&directory, Ports::Free).await;
    assert!(third.credentials().is_fresh());
    comes_back(connect(&third, Kind::Mutual, &policy(&third, true)).await.unwrap()).await;
}

#[tokio::test]
async fn a_key_that_no_lab_has_made_is_left_alone() {
    for name in ["client.key", "ca.der", "server.key.der"] {
        let directory = TempDir::new().unwrap();
        let foreign = directory.path().join(name);
        fs::write(&foreign, "the user's own").unwrap();
        let address = "127.0.0.1".parse().unwrap();
        let spec = LabSpec { directory: directory.path().to_owned(), address, ports: Ports::Free };
        let error = Lab::start(&spec).await.expect_err("it would be overwritten").to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(fs::read(&foreign).unwrap(), b"the user's own");
        let there: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(there.len(), 1, "nothing is left behind: {there:?}");
    }
}

#[tokio::test]
async fn keys_are_for_their_owner_only_and_both_forms_are_there() {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    let path = lab.credentials().directory();
    let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["server.key", "server.key.der", "client.key", "client.key.der"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    for name in ["ca", "server", "client"] {
        let pem = fs::read(path.join(format!("{name}.crt"))).unwrap();
        assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"), "{name}");
        let der = fs::read(path.join(format!("{name}.der"))).unwrap();
        assert_eq!(der[0], 0x30, "{name}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let directory = TempDir::new().unwrap();
    let spec = LabSpec {
        directory: directory.path().to_owned(),
        address: address.ip(),
        ports: Ports::Exactly(address.port()),
    };
    let error = Lab::start(&spec).await.expect_err("the port is taken").to_string();
    assert!(error.contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn the_usual_ports_are_left_to_whoever_has_them() {
    let directory = TempDir::new().unwrap();
    let first = lab(&directory, Ports::Usual).await;
    let second = lab(&directory, Ports::Usual).await;
    for kind in Kind::ALL {
        assert_ne!(first.address(kind), second.address(kind));
        TcpStream::connect(second.address(kind)).await.unwrap();
    }
}

#[tokio::test]
async fn servers_end_with_the_lab() {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    let address = lab.address(Kind::Tcp);
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"x").await.unwrap();
    open.read_exact(&mut [0]).await.unwrap();
    drop(lab);
    assert_eq!(open.read(&mut [0]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn one_connection_too_many_is_sent_away_and_a_place_is_free_again_later() {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    let connect = || TcpStream::connect(lab.address(Kind::Tcp));
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = connect().await.unwrap();
        stream.write_all(b"x").await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
        open.push(stream);
    }
    // Sent away means closed: the end comes, or a reset if the byte was already on its way.
    let mut refused = connect().await.unwrap();
    let _ = refused.write_all(b"x").await;
    assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0);

    let mut last = open.pop().unwrap();
    last.shutdown().await.unwrap();
    assert_eq!(last.read(&mut [0]).await.unwrap(), 0);
    loop {
        let mut stream = connect().await.unwrap();
        let _ = stream.write_all(b"x").await;
        if stream.read(&mut [0]).await.is_ok_and(|count| count == 1) {
            break;
        }
    }
}
