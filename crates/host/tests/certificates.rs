//! Certificates and keys as people have them: forms, sizes and mistakes, on a module with a real server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod kit;

use kit::pki::Pki;
use kit::server::{Seen, Server};
use kit::{Twin, Verdict};
use modemtwin_host::net::NameCheck;
use openssl::symm::Cipher;

/// As in `identities.table`: name, subject, issuer, key, validity, digest, extensions.
const CERTIFICATES: [[&str; 7]; 14] = [
    ["root", "CN=Lab root", "root", "2048a", "2020-2045", "sha256", "bc=critical,CA:TRUE"],
    ["server", "CN=server", "root", "2048c", "2025-2040", "sha256", "-"],
    ["other", "CN=Another root", "other", "2048b", "2020-2045", "sha256", "bc=critical,CA:TRUE"],
    ["stranger", "CN=stranger", "other", "2048c", "2025-2040", "sha256", "-"],
    ["inter", "CN=Client CA", "root", "2048b", "2020-2045", "sha256", "bc=critical,CA:TRUE"],
    ["client", "CN=module", "inter", "2048d", "2025-2040", "sha256", "-"],
    ["renewed", "CN=module renewed", "inter", "2048d", "2026-2041", "sha256", "-"],
    ["rsa-512", "CN=RSA 512", "root", "512", "2025-2040", "sha256", "-"],
    ["rsa-1024", "CN=RSA 1024", "root", "1024", "2025-2040", "sha256", "-"],
    ["rsa-4096", "CN=RSA 4096", "root", "4096", "2025-2040", "sha256", "-"],
    ["md5", "CN=MD5", "root", "2048d", "2025-2040", "md5", "-"],
    ["sha1", "CN=SHA-1", "root", "2048d", "2025-2040", "sha1", "-"],
    ["v1", "CN=version 1", "root", "2048d", "2025-2040", "sha256", "v1"],
    ["ec", "CN=EC", "root", "ec", "2025-2040", "sha256", "-"],
];

/// A module that authenticates the server and itself.
struct Bench {
    pki: Pki,
    twin: Twin,
}

impl Bench {
    async fn new() -> Self {
        let rows: Vec<Vec<String>> = CERTIFICATES.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let pki = Pki::new(rows.iter().map(Vec::as_slice));
        let mut twin = Twin::start(&[], NameCheck::Hostname, true).await;
        twin.set("seclevel", "2").await;
        twin.set("cacert", "\"ca.crt\"").await;
        twin.set("clientcert", "\"client.crt\"").await;
        twin.set("clientkey", "\"client.key\"").await;
        let mut bench = Self { pki, twin };
        bench.anchors(&bench.pki.pem("root")).await;
        let (certificate, key) = (bench.pki.pem("client"), bench.pki.key_pem("client"));
        bench.identity(&certificate, &key).await;
        bench
    }

    async fn anchors(&mut self, content: &[u8]) {
        self.twin.put("ca.crt", content).await;
    }

    async fn identity(&mut self, certificate: &[u8], key: &[u8]) {
        self.twin.put("client.crt", certificate).await;
        self.twin.put("client.key", key).await;
    }

    /// Connects to a server with the certificate `name`.
    async fn connect(&mut self, what: &str, name: &str) -> (Verdict, Seen) {
        self.twin.doing = what.to_owned();
        let server = Server::start(&[self.pki.certificate(name)], &self.pki.key(name));
        let verdict = self.twin.connect("127.0.0.1", server.port()).await;
        (verdict, server.seen().await)
    }

    /// The server has to be accepted; which client certificates it got, by common name.
    async fn accepted(&mut self, what: &str) -> Vec<String> {
        let (verdict, seen) = self.connect(what, "server").await;
        let Verdict::Accepted(report) = verdict else { panic!("{what}: {verdict:?}") };
        assert!(report.chain_checked, "{what}: {report}");
        let text = |certificate: &openssl::x509::X509| {
            let mut names = certificate.subject_name().entries();
            names.next().unwrap().data().to_string().unwrap()
        };
        seen.client.iter().map(text).collect()
    }

    /// The connect has to fail before the first byte, for this reason.
    async fn unusable(&mut self, what: &str, words: &[&str]) {
        let (verdict, seen) = self.connect(what, "server").await;
        let Verdict::Refused(text) = verdict else { panic!("{what} was accepted") };
        for word in words {
            assert!(text.contains(word), "{what}: {word:?} is not in: {text}");
        }
        assert!(!seen.done, "{what}");
    }
}

fn text(content: Vec<u8>) -> String {
    String::from_utf8(content).unwrap()
}

/// The same PEM text as editors, mailers and tools leave it.
fn written_differently(pem: &[u8]) -> [(&'static str, Vec<u8>); 11] {
    let pem = text(pem.to_vec());
    let bag = "Bag Attributes\n    friendlyName: x\nsubject=CN = x\n\n";
    [
        ("LF", pem.clone().into_bytes()),
        ("CRLF", pem.replace('\n', "\r\n").into_bytes()),
        ("no final newline", pem.trim_end().to_owned().into_bytes()),
        ("CRLF without the last", pem.trim_end().replace('\n', "\r\n").into_bytes()),
        ("leading text", format!("{bag}{pem}").into_bytes()),
        ("trailing text", format!("{pem}\nthat was it\n").into_bytes()),
        ("trailing blanks", pem.replace('\n', " \n").into_bytes()),
        ("indented", format!("    {}", pem.replace('\n', "\n    ")).into_bytes()),
        ("CR", pem.replace('\n', "\r").into_bytes()),
        ("byte order mark", format!("\u{feff}{pem}").into_bytes()),
        ("a final zero byte", format!("{pem}\0").into_bytes()),
    ]
}

// @covers ssl.connect.pem ssl.connect.der
#[tokio::test]
async fn files_may_be_written_in_many_ways() {
    let mut bench = Bench::new().await;
    let (root, client, key) = (bench.pki.pem("root"), bench.pki.pem("client"), bench.pki.key_pem("client"));
    for (how, content) in written_differently(&root) {
        bench.anchors(&content).await;
        assert_eq!(bench.accepted(&format!("cacert, {how}")).await, ["module"]);
    }
    for (how, content) in written_differently(&client) {
        bench.identity(&content, &key).await;
        assert_eq!(bench.accepted(&format!("clientcert, {how}")).await, ["module"]);
    }
    for (how, content) in written_differently(&key) {
        bench.identity(&client, &content).await;
        assert_eq!(bench.accepted(&format!("clientkey, {how}")).await, ["module"]);
    }
    let private = bench.pki.key("client");
    let rsa = private.rsa().unwrap();
    let forms = [
        ("PKCS#8 PEM", private.private_key_to_pem_pkcs8().unwrap()),
        ("PKCS#8 DER", private.private_key_to_pkcs8().unwrap()),
        ("PKCS#1 PEM", rsa.private_key_to_pem().unwrap()),
        ("PKCS#1 DER", rsa.private_key_to_der().unwrap()),
        ("key behind its certificate", [client.clone(), key.clone()].concat()),
    ];
    for (form, content) in forms {
        bench.identity(&client, &content).await;
        assert_eq!(bench.accepted(form).await, ["module"]);
    }
    let der = bench.pki.certificate("client").to_der().unwrap();
    bench.identity(&der, &key).await;
    assert_eq!(bench.accepted("clientcert, DER").await, ["module"]);
    let der = bench.pki.certificate("root").to_der().unwrap();
    bench.anchors(&der).await;
    assert_eq!(bench.accepted("cacert, DER").await, ["module"]);
    bench.twin.stop().await;
}

// @covers ssl.connect.chain
#[tokio::test]
async fn several_certificates_in_one_file_are_a_bundle_or_a_chain() {
    let mut bench = Bench::new().await;
    let (bundle, chain, key) =
        (bench.pki.pem("other+root"), bench.pki.pem("client+inter+root"), bench.pki.key_pem("client"));
    bench.anchors(&bundle).await;
    bench.identity(&chain, &key).await;
    assert_eq!(bench.accepted("the second of the bundle").await, ["module", "Client CA", "Lab root"]);
    let (verdict, _) = bench.connect("the first of the bundle", "stranger").await;
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    // The module's own certificate comes first; another one there has another key.
    let reversed = bench.pki.pem("inter+client");
    bench.identity(&reversed, &key).await;
    bench.unusable("chain in the wrong order", &["clientkey does not belong to clientcert"]).await;
    bench.twin.stop().await;
}

// @covers ssl.connect.old
#[tokio::test]
async fn weak_and_strong_keys_and_old_signatures_are_presented() {
    let mut bench = Bench::new().await;
    for (name, subject) in [
        ("rsa-512", "RSA 512"),
        ("rsa-1024", "RSA 1024"),
        ("client", "module"),
        ("rsa-4096", "RSA 4096"),
        ("md5", "MD5"),
        ("sha1", "SHA-1"),
        ("v1", "version 1"),
    ] {
        let (certificate, key) = (bench.pki.pem(name), bench.pki.key_pem(name));
        bench.identity(&certificate, &key).await;
        // A signature of TLS 1.2 with SHA-256 just fits into 512 bits; that of TLS 1.0 as well.
        for version in ["1", "3", "4"] {
            bench.twin.set("sslversion", version).await;
            assert_eq!(bench.accepted(&format!("{name}, sslversion {version}")).await, [subject]);
        }
    }
    bench.twin.stop().await;
}

// @covers ssl.connect.encrypted-key
#[tokio::test]
async fn files_of_no_use_are_explained() {
    let mut bench = Bench::new().await;
    let (client, key, root) = (bench.pki.pem("client"), bench.pki.key_pem("client"), bench.pki.pem("root"));
    let private = bench.pki.key("client");
    let secret = b"secret";
    let encrypted = [
        ("PKCS#8, AES", private.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), secret).unwrap()),
        (
            "PKCS#8, 3DES",
            private.private_key_to_pem_pkcs8_passphrase(Cipher::des_ede3_cbc(), secret).unwrap(),
        ),
        ("PKCS#8 DER", private.private_key_to_pkcs8_passphrase(Cipher::aes_256_cbc(), secret).unwrap()),
        (
            "PKCS#1, 3DES",
            private.rsa().unwrap().private_key_to_pem_passphrase(Cipher::des_ede3_cbc(), secret).unwrap(),
        ),
    ];
    for (form, content) in encrypted {
        bench.identity(&client, &content).await;
        bench
            .unusable(form, &["the client key cannot be used", "encrypted", "no command for a password"])
            .await;
    }
    let (certificate, curve) = (bench.pki.pem("ec"), bench.pki.key_pem("ec"));
    bench.identity(&certificate, &curve).await;
    bench.unusable("EC, PKCS#8", &["not an RSA key", "suites sign with RSA only"]).await;
    let curve = bench.pki.key("ec").ec_key().unwrap().private_key_to_pem().unwrap();
    bench.identity(&certificate, &curve).await;
    bench.unusable("EC, SEC 1", &["not an RSA key"]).await;
    let foreign = bench.pki.key_pem("server");
    bench.identity(&client, &foreign).await;
    bench.unusable("another's key", &["clientkey does not belong to clientcert"]).await;
    bench.identity(&key, &client).await;
    bench.unusable("exchanged", &["the client certificate cannot be used", "no certificate in it"]).await;
    bench.identity(&client, &client).await;
    bench.unusable("no key", &["no private key in it"]).await;
    let cut = &client[..client.len() / 2];
    bench.identity(cut, &key).await;
    bench.unusable("cut off", &["the client certificate cannot be used"]).await;
    bench.identity(&client, b"hello").await;
    bench.unusable("something else", &["neither PEM", "nor a DER private key"]).await;
    bench.identity(&client, &key).await;
    for (what, content, words) in [
        ("something else", b"hello".to_vec(), "neither PEM"),
        ("a key", key.clone(), "no certificate in it"),
        ("cut off", root[..root.len() / 2].to_vec(), "the cacert cannot be used"),
        ("DER with something behind", cut.to_vec(), "the cacert cannot be used"),
    ] {
        bench.anchors(&content).await;
        bench.unusable(what, &[words]).await;
    }
    // An empty file: made, never written.
    bench.twin.ok("AT+FSDEL=\"ca.crt\"").await;
    bench.twin.ok("AT+FSCREATE=\"ca.crt\"").await;
    bench.unusable("empty", &["the cacert cannot be used", "the file is empty"]).await;
    bench.twin.stop().await;
}

#[tokio::test]
async fn a_bundle_longer_than_one_write_is_appended_to() {
    let mut bench = Bench::new().await;
    let mut bundle = bench.pki.pem("other").repeat(20);
    bundle.extend(bench.pki.pem("root"));
    assert!(bundle.len() > 2 * 10_240, "{} bytes", bundle.len());
    bench.anchors(&bundle).await;
    let size = bench.twin.ok("AT+FSFLSIZE=\"ca.crt\"").await;
    assert!(size.contains(&format!("+FSFLSIZE: {}\r", bundle.len())), "{size}");
    assert_eq!(bench.accepted("the last of a long bundle").await, ["module"]);
    bench.twin.stop().await;
}

// @covers ssl.cfg.file-later
#[tokio::test]
async fn files_are_read_when_a_connect_begins() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.accepted("as set up").await, ["module"]);
    // The same name, other contents: used at the next connect, although the first policy is still cached.
    let (root, other) = (bench.pki.pem("root"), bench.pki.pem("other"));
    bench.anchors(&other).await;
    let (verdict, _) = bench.connect("another CA", "server").await;
    assert!(matches!(&verdict, Verdict::Refused(why) if why.contains("wrong CA")), "{verdict:?}");
    bench.anchors(&root).await;
    let (renewed, key) = (bench.pki.pem("renewed"), bench.pki.key_pem("renewed"));
    bench.identity(&renewed, &key).await;
    assert_eq!(bench.accepted("the old CA, a renewed certificate").await, ["module renewed"]);
    for (file, parameter) in [("client.key", "clientkey"), ("client.crt", "clientcert"), ("ca.crt", "cacert")]
    {
        bench.twin.ok(&format!("AT+FSDEL=\"{file}\"")).await;
        let words = format!("{parameter} is {file}, but the module has no such file");
        bench.unusable(&format!("{file} deleted"), &[&words]).await;
    }
    // Level 0 needs none of them.
    bench.twin.set("seclevel", "0").await;
    let (verdict, seen) = bench.connect("level 0 without files", "server").await;
    assert!(matches!(&verdict, Verdict::Accepted(report) if !report.chain_checked), "{verdict:?}");
    assert!(seen.client.is_empty());
    // Written later than named.
    bench.twin.set("seclevel", "1").await;
    bench.anchors(&root).await;
    assert!(bench.accepted("cacert written after it was named").await.is_empty());
    bench.twin.stop().await;
}
