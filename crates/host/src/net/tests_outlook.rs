//! What is said of a TLS context before it connects.

use modem::{SecLevel, SslVersion, TlsRequest};
use tls::inspect::Validity;
use tls::pki::{Request, Usage};

use super::tests_tls::{Lab, mutual, path};
use super::{Holds, NameCheck, Network, Outlook};

fn outlook(lab: &Lab, request: &TlsRequest) -> Outlook {
    Network::default().outlook(request, &|path| lab.bench.store.read_whole(path))
}

fn says(sentences: &[String], words: &str) -> bool {
    sentences.iter().any(|sentence| sentence.contains(words))
}

#[tokio::test]
async fn a_context_that_can_work() {
    let lab = Lab::new().await;
    let outlook = outlook(&lab, &mutual());
    assert_eq!(outlook.obstacles, [""; 0]);
    assert_eq!(outlook.key_fits, Some(true));
    let found: Vec<_> =
        outlook.files.iter().map(|file| (file.parameter, file.name.as_str(), file.used)).collect();
    assert_eq!(
        found,
        [("cacert", "ca.crt", true), ("clientcert", "client.crt", true), ("clientkey", "client.key", true)]
    );
    let Ok((_, Holds::Certificates(anchors))) = &outlook.files[0].content else { panic!("{outlook:?}") };
    assert!(anchors[0].self_issued && anchors[0].about.subject.contains("CN=lab CA"), "{anchors:?}");
    assert_eq!(anchors[0].validity, Validity::Valid);
    let Ok((_, Holds::Key(key))) = &outlook.files[2].content else { panic!("{outlook:?}") };
    assert_eq!((key.algorithm, key.bits), ("RSA", 2048));
    assert!(
        says(&outlook.checked, "a root of cacert") && says(&outlook.checked, "for localhost"),
        "{outlook:?}"
    );
    assert!(says(&outlook.unchecked, "revoked"), "{outlook:?}");
    assert_eq!(outlook.risks, [""; 0]);
}

#[tokio::test]
async fn contexts_that_cannot() {
    let lab = Lab::new().await;
    lab.put("server.crt", &lab.server.certificate_pem().unwrap());
    lab.put("server.key", &lab.server.key_pem().unwrap());
    lab.put("junk", b"junk");
    for (request, obstacle) in [
        (TlsRequest { cacert: None, ..mutual() }, "no cacert is set"),
        (
            TlsRequest { cacert: Some(path("gone")), ..mutual() },
            "cacert is gone, but the module has no such file",
        ),
        (TlsRequest { cacert: Some(path("junk")), ..mutual() }, "the cacert cannot be used"),
        (TlsRequest { cacert: Some(path("server.crt")), ..mutual() }, "no root"),
        (TlsRequest { clientkey: None, ..mutual() }, "set both or none"),
        (TlsRequest { clientkey: Some(path("server.key")), ..mutual() }, "does not belong to clientcert"),
        (
            TlsRequest { version: SslVersion::Tls10, suites: vec![0x003D], ..mutual() },
            "this suite needs TLS 1.2",
        ),
    ] {
        let outlook = outlook(&lab, &request);
        assert!(says(&outlook.obstacles, obstacle), "{obstacle}: {outlook:?}");
    }
    let pinned = TlsRequest { cacert: Some(path("server.crt")), partial_chain: true, ..mutual() };
    assert_eq!(outlook(&lab, &pinned).obstacles, [""; 0]);
}

#[tokio::test]
async fn what_is_not_checked_and_what_is_risky_is_said() {
    let lab = Lab::new().await;
    let weak = Request { bits: 1024, ..Request::new("weak", Usage::Ca) }.self_signed().unwrap();
    lab.put("weak.crt", &weak.certificate_pem().unwrap());
    let open = outlook(&lab, &TlsRequest { seclevel: SecLevel::None, version: SslVersion::All, ..mutual() });
    assert!(says(&open.unchecked, "anybody may answer") && open.checked.is_empty(), "{open:?}");
    assert!(
        says(&open.risks, "SSL 3.0 is offered") && says(&open.risks, "seclevel 0 ignores it"),
        "{open:?}"
    );
    let late = TlsRequest {
        hostname: None,
        now: 10_000_000_000,
        cacert: Some(path("weak.crt")),
        suites: vec![0x0005],
        client_random: Some([7; 32]),
        ..mutual()
    };
    let risky = outlook(&lab, &late);
    for words in ["weak key (RSA-1024)", "CN=weak in weak.crt has expired", "RC4", "clientrandom"] {
        assert!(says(&risky.risks, words), "{words}: {risky:?}");
    }
    assert!(says(&risky.unchecked, "set hostname"), "{risky:?}");
    let always = Network::default().name_check(NameCheck::Always);
    let strict = always.outlook(&late, &|path| lab.bench.store.read_whole(path));
    assert!(says(&strict.checked, "127.0.0.1"), "{strict:?}");
    let modern = Network::default().modern(true);
    let all =
        TlsRequest { version: SslVersion::All, suites: tls::SUITES.map(|s| s.0.0).to_vec(), ..mutual() };
    let offers = modern.outlook(&all, &|path| lab.bench.store.read_whole(path));
    assert!(offers.modern && offers.versions.1 == tls::Version::Tls13, "{offers:?}");
}
