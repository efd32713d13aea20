//! Over real sockets, with a client that knows nothing. Python's ftplib and curl do their part in `e2e`.

use std::net::SocketAddr;

use proptest::prelude::*;
use tempfile::TempDir;
use tls::TlsStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use transcript::Fill;

use super::Duplex;
use crate::lab::tests::{connect, lab, policy};
use crate::lab::{Kind, Lab, Ports};

async fn start() -> (TempDir, Lab) {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    (directory, lab)
}

/// A control connection of a client.
struct Client<S>(S);

impl<S: Duplex> Client<S> {
    /// The next line.
    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    async fn reply(&mut self, code: &str) -> String {
        let line = self.line().await;
        assert!(line.starts_with(&format!("{code} ")), "{line:?} is not {code}");
        line
    }

    async fn ask(&mut self, command: &str, code: &str) -> String {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
        self.reply(code).await
    }

    async fn log_in(&mut self) {
        self.ask("USER me", "331").await;
        self.ask("PASS any", "230").await;
    }

    /// The port of EPSV.
    async fn passive(&mut self) -> u16 {
        let reply = self.ask("EPSV", "229").await;
        reply.split("|||").nth(1).unwrap().trim_end_matches("|)").parse().unwrap()
    }

    async fn data(&mut self) -> TcpStream {
        let port = self.passive().await;
        TcpStream::connect(("127.0.0.1", port)).await.unwrap()
    }

    async fn fetch(&mut self, command: &str) -> Vec<u8> {
        let mut data = self.data().await;
        self.ask(command, "150").await;
        let mut got = Vec::new();
        data.read_to_end(&mut got).await.unwrap();
        self.reply("226").await;
        got
    }

    async fn put(&mut self, command: &str, bytes: &[u8]) {
        let mut data = self.data().await;
        self.ask(command, "150").await;
        data.write_all(bytes).await.unwrap();
        drop(data);
        self.reply("226").await;
    }
}

async fn plain(lab: &Lab) -> Client<TcpStream> {
    let mut client = Client(TcpStream::connect(lab.address(Kind::Ftp)).await.unwrap());
    client.reply("220").await;
    client
}

#[tokio::test]
async fn files_go_up_and_down_and_are_seen_by_the_next_session() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.log_in().await;
    client.ask("TYPE I", "200").await;
    assert!(client.fetch("RETR bytes-300000.bin").await == Fill::CountUp.bytes(300_000));
    client.ask("REST 3990", "350").await;
    assert_eq!(client.fetch("RETR /text-4000.txt").await, Fill::Text.bytes(4000)[3990..]);
    client.ask("MKD /upload/a", "257").await;
    client.ask("CWD upload/a", "250").await;
    assert_eq!(client.ask("PWD", "257").await, "257 \"/upload/a\" is the directory");
    let sent: Vec<u8> = Fill::Random(1).bytes(200_000);
    client.put("STOR x", &sent).await;
    client.ask("QUIT", "221").await;

    let mut client = plain(&lab).await;
    client.log_in().await;
    assert_eq!(client.ask("SIZE /upload/a/x", "213").await, "213 200000");
    client.put("APPE /upload/a/x", b"more").await;
    client.ask("REST 200002", "350").await;
    client.put("STOR /upload/a/x", b"less").await;
    let got = client.fetch("RETR /upload/a/x").await;
    assert!(got[..200_000] == sent && &got[200_000..] == b"moless");
    client.put("STOU /upload/a/x", b"unique").await;
    assert_eq!(client.fetch("NLST /upload/a").await, b"x\r\nx.1\r\n");
    let listed = String::from_utf8(client.fetch("LIST -la /upload/a/x").await).unwrap();
    assert!(listed.starts_with("-rw-r--r--    1 lab      lab        200006 ") && listed.ends_with(" x\r\n"));
    assert_eq!(client.fetch("RETR /upload/a/x.1").await, b"unique");
    client.ask("MKD /upload/a b", "257").await;
    client.put("STOR /upload/a b/\u{1F4E6}", b"x").await;
    assert_eq!(client.fetch("NLST -a -l /upload/a b").await, "\u{1F4E6}\r\n".as_bytes());
    client.ask("RMD /upload/a", "550").await;
    client.ask("DELE /upload/a/x", "250").await;
    client.ask("DELE /upload/a/x.1", "250").await;
    client.ask("RMD /upload/a", "250").await;
    client.ask("SIZE /upload/a/x", "550").await;
}

#[tokio::test]
async fn what_is_refused() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.ask("LIST", "530").await;
    client.ask("PBSZ 0", "503").await;
    client.ask("PASS any", "503").await;
    client.ask("USER nobody", "530").await;
    client.ask("USER me", "331").await;
    client.ask("PASS wrong", "530").await;
    client.ask("RETR hello.txt", "530").await;
    client.log_in().await;
    client.ask("RETR hello.txt", "425").await;
    client.ask("STOR /text-4000.txt", "425").await;
    assert_eq!(client.ask("SIZE /text-4000.txt", "213").await, "213 4000", "it is still whole");
    client.ask("RETR none", "550").await;
    client.ask("MDTM upload", "550").await;
    client.ask("REST x", "501").await;
    client.ask("REST 4001", "350").await;
    client.ask("RETR text-4000.txt", "554").await;
    client.ask("TYPE E", "504").await;
    client.ask("EPSV 2", "522").await;
    client.ask("SITE EXEC id", "502").await;
    client.ask("", "502").await;
    client.ask("ABOR", "226").await;
    client.ask("CWD ../../../..", "250").await;
    assert!(client.ask("PWD", "257").await.contains("\"/\""));
    for _ in 0..7 {
        client.ask("USER nobody", "530").await;
    }
    client.ask("USER nobody", "530").await;
    assert_eq!(client.line().await, "", "whoever is refused ten times is sent away");
}

#[tokio::test]
async fn nobody_is_connected_to_and_nobody_else_gets_the_data() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.ask("PORT 127,0,0,1,0,22", "502").await;
    client.log_in().await;
    client.ask("PORT 10,0,0,1,0,22", "502").await;
    client.ask("EPRT |1|127.0.0.1|22|", "502").await;
    let reply = client.ask("PASV", "227").await;
    let numbers: Vec<u16> = reply.split(['(', ')', ',']).filter_map(|number| number.parse().ok()).collect();
    assert_eq!(numbers[..4], [127, 0, 0, 1]);
    let address = SocketAddr::from(([127, 0, 0, 1], numbers[4] * 256 + numbers[5]));
    // The thief comes first, from another address of this computer.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut thief = socket.connect(address).await.unwrap();
    let mut data = TcpStream::connect(address).await.unwrap();
    client.ask("RETR text-4000.txt", "150").await;
    let mut got = Vec::new();
    data.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 4000);
    client.reply("226").await;
    assert_eq!(thief.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_transfer_can_be_aborted_and_the_session_goes_on() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.log_in().await;
    let mut data = client.data().await;
    client.ask("RETR bytes-5m.bin", "150").await;
    data.read_exact(&mut [0; 1000]).await.unwrap();
    client.ask("ABOR", "426").await;
    client.reply("226").await;
    drop(data);
    // A command that comes while something moves is obeyed afterwards.
    let mut data = client.data().await;
    client.ask("STOR slow", "150").await;
    client.0.write_all(b"SIZE slow\r\nNOOP\r\n").await.unwrap();
    data.write_all(b"123").await.unwrap();
    drop(data);
    client.reply("226").await;
    assert_eq!(client.reply("213").await, "213 3");
    client.reply("200").await;
}

#[tokio::test]
async fn a_file_that_does_not_fit_leaves_nothing() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.log_in().await;
    let mut data = client.data().await;
    client.ask("STOR big", "150").await;
    let portion = vec![1; 1 << 20];
    let mut sent = 0;
    while sent <= super::files::ROOM && data.write_all(&portion).await.is_ok() {
        sent += portion.len();
    }
    client.reply("552").await;
    client.ask("SIZE big", "550").await;
    client.put("STOR small", b"x").await;
}

async fn secure<S: Duplex>(stream: S, lab: &Lab, identity: bool) -> Client<TlsStream<S>> {
    let limit = std::time::Duration::from_secs(30);
    Client(tls::Connector::new().connect(stream, &policy(lab, identity), limit).await.unwrap())
}

#[tokio::test]
async fn explicit_tls_protects_control_and_data() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.ask("AUTH KERBEROS", "504").await;
    client.ask("AUTH TLS", "234").await;
    let mut client = secure(client.0, &lab, false).await;
    client.ask("PROT P", "503").await;
    client.ask("PBSZ 0", "200").await;
    client.ask("PROT P", "200").await;
    client.log_in().await;
    client.ask("AUTH TLS", "503").await;
    let data = client.data().await;
    client.ask("STOR x", "150").await;
    let mut data = secure(data, &lab, false).await.0;
    data.write_all(b"secret").await.unwrap();
    data.shutdown().await.unwrap();
    client.reply("226").await;
    let data = client.data().await;
    client.ask("RETR x", "150").await;
    let mut data = secure(data, &lab, false).await.0;
    let mut got = Vec::new();
    data.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"secret");
    client.reply("226").await;
    // A data connection that speaks no TLS.
    let mut data = client.data().await;
    client.ask("RETR x", "150").await;
    data.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    client.reply("522").await;
    client.ask("PROT C", "200").await;
    assert_eq!(client.fetch("RETR x").await, b"secret");
}

#[tokio::test]
async fn an_upload_over_tls_that_is_cut_is_none() {
    let (_directory, lab) = start().await;
    let mut client = Client(connect(&lab, Kind::Ftps, &policy(&lab, false)).await.unwrap());
    client.reply("220").await;
    client.log_in().await;
    client.ask("PBSZ 0", "200").await;
    client.ask("PROT P", "200").await;
    let data = client.data().await;
    client.ask("STOR x", "150").await;
    let mut data = secure(data, &lab, false).await.0;
    data.write_all(b"half").await.unwrap();
    // Whoever is on the way can end TCP, but not TLS.
    drop(data);
    client.reply("426").await;
    assert_eq!(client.ask("SIZE x", "213").await, "213 4", "it can be gone on with");
}

#[tokio::test]
async fn data_connections_resume_the_session_of_the_control_connection() {
    let (_directory, lab) = start().await;
    let limit = std::time::Duration::from_secs(30);
    for version in [tls::Version::Tls12, tls::Version::Tls13] {
        let policy = tls::Policy { min_version: version, max_version: version, ..policy(&lab, true) };
        let slot = tls::Resumable::default();
        let connector = tls::Connector::new();
        let stream = TcpStream::connect(lab.address(Kind::FtpsMutual)).await.unwrap();
        let keep = tls::Resumption::Keep(slot.clone());
        let mut client = Client(connector.connect_as(stream, &policy, limit, &keep).await.unwrap());
        client.reply("220").await;
        client.log_in().await;
        client.ask("PBSZ 0", "200").await;
        client.ask("PROT P", "200").await;
        // The second one shows that the first did not spoil it.
        for _ in 0..2 {
            let data = client.data().await;
            client.ask("RETR hello.txt", "150").await;
            let offer = tls::Resumption::Offer(slot.clone());
            let mut data = connector.connect_as(data, &policy, limit, &offer).await.unwrap();
            assert_eq!(data.report().resumed, Some(true), "{version}");
            let mut got = Vec::new();
            data.read_to_end(&mut got).await.unwrap();
            assert!(got.starts_with(b"Hello"));
            data.shutdown().await.unwrap();
            client.reply("226").await;
        }
    }
}

#[tokio::test]
async fn implicit_tls_with_a_client_certificate_tells_whose_it_is() {
    let (_directory, lab) = start().await;
    let mut client = Client(connect(&lab, Kind::FtpsMutual, &policy(&lab, true)).await.unwrap());
    client.reply("220").await;
    client.ask("USER me", "331").await;
    assert!(client.ask("PASS any", "230").await.contains("CN=Modemtwin lab client"));
    client.ask("PBSZ 0", "200").await;
    client.ask("PROT P", "200").await;
    let data = client.data().await;
    client.ask("LIST", "150").await;
    let mut data = secure(data, &lab, true).await.0;
    let mut got = String::new();
    data.read_to_string(&mut got).await.unwrap();
    assert!(got.contains(" hello.txt\r\n") && got.contains(" upload\r\n"), "{got}");
    client.reply("226").await;
    connect(&lab, Kind::FtpsMutual, &policy(&lab, false)).await.expect_err("no certificate");
}

#[tokio::test]
async fn commands_behind_auth_are_not_obeyed() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    client.ask("AUTH TLS\r\nUSER me\r\nPASS any\r\nDELE hello.txt", "421").await;
    assert_eq!(client.line().await, "");
}

#[tokio::test]
async fn endless_lines_end_the_session() {
    let (_directory, lab) = start().await;
    let mut client = plain(&lab).await;
    let _ = client.0.write_all(&[b'A'; 100_000]).await;
    assert_eq!(client.line().await, "");
    plain(&lab).await.log_in().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_said_has_an_answer_and_an_end(
        lines in prop::collection::vec(
            prop_oneof![
                "(EPSV|PASV|LIST|NLST|STOU|ABOR|FEAT|PWD|CDUP|NOOP|AUTH TLS|PBSZ 0|REST [0-9]{1,20})",
                "(RETR|STOR|APPE|STOU|SIZE|MDTM|DELE|MKD|RMD|CWD|LIST|NLST) (/?(upload|hello\\.txt|\\.\\.|a)){0,4}",
                "[A-Z]{0,5} \\PC{0,20}",
            ],
            0..12,
        ),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let (near, mut far) = tokio::io::duplex(1 << 20);
            let address = "127.0.0.1:1".parse().unwrap();
            let guest = super::Guest { peer: address, local: address, certificate: None };
            let files = std::sync::Arc::new(super::Files::new());
            let tls = super::Tls { implicit: false, acceptor: None };
            let session = tokio::spawn(super::serve(Box::new(near), Kind::Ftp, guest, files, tls));
            let mut said = format!("USER me\r\nPASS any\r\n{}\r\n", lines.join("\r\n")).into_bytes();
            said.extend_from_slice(&noise);
            said.extend_from_slice(b"\r\nQUIT\r\n");
            far.write_all(&said).await.unwrap();
            let mut answers = Vec::new();
            far.read_to_end(&mut answers).await.unwrap();
            session.await.unwrap().unwrap();
            let answers = String::from_utf8(answers).unwrap();
            assert!(answers.ends_with("\r\n221 Good bye\r\n"), "{answers}");
        });
    }
}
