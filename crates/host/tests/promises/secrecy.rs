//! No reading: what passes the attacker contains neither payload nor keys.

use std::collections::HashSet;

use openssl::pkey::PKey;
use tls::SUITES;

use super::proxy::{Recording, Tamper};
use super::server::{Kind, Server, pki};
use super::twin::Twin;
use super::wire::Hello;
use super::{Closer, Script, VERSIONS, hex, listener, payload, put_files, session};

/// How many bytes in a row count as found.
const WINDOW: usize = 8;

/// Whether any eight bytes in a row of `secret` are in what was recorded.
fn contains(recording: &Recording, secret: &[u8]) -> bool {
    assert!(secret.len() >= WINDOW);
    let windows: HashSet<&[u8]> =
        recording.up.windows(WINDOW).chain(recording.down.windows(WINDOW)).collect();
    secret.windows(WINDOW).any(|window| windows.contains(window))
}

/// The private numbers of the module's key.
fn private_numbers() -> Vec<(&'static str, Vec<u8>)> {
    let key = PKey::private_key_from_pem(&pki().client.key_pem().unwrap()).unwrap().rsa().unwrap();
    vec![
        ("d", key.d().to_vec()),
        ("p", key.p().unwrap().to_vec()),
        ("q", key.q().unwrap().to_vec()),
        ("d mod p-1", key.dmp1().unwrap().to_vec()),
        ("d mod q-1", key.dmq1().unwrap().to_vec()),
        ("1/q mod p", key.iqmp().unwrap().to_vec()),
    ]
}

fn script() -> Script {
    let request = vec![payload(11, 700), payload(12, 1460)];
    Script { request, response: vec![payload(13, 3000)], closer: Closer::Server }
}

#[tokio::test]
async fn nothing_of_payload_and_keys_can_be_read_on_the_way() {
    let mut twin = Twin::single(0).await;
    put_files(&mut twin).await;
    let (script, listener) = (script(), listener().await);
    let mut sessions = 0;
    for (version, number) in VERSIONS {
        for (suite, ..) in SUITES {
            if suite.needs_tls12() && number < 3 {
                continue;
            }
            let kind = Kind { who: &pki().server, versions: (version, version), suite, mutual: true };
            let server = Server::new(&kind);
            let (sslversion, ciphersuite) = (number.to_string(), hex(suite));
            twin.configure(
                0,
                &[("sslversion", &sslversion), ("ciphersuite", &ciphersuite), ("seclevel", "2")],
            )
            .await;
            let session = session(&mut twin, &listener, &server, &script, Tamper::Nothing).await;
            let name = format!("{version} {suite}");
            assert_eq!(session.heard.data, script.response(), "{name}: {:?}", session.heard);
            assert_eq!(session.served.got, script.request(), "{name}");
            let recording = &session.recording;
            let premaster = Hello::parse(&recording.up).premaster(&pki().server);
            let masters = server.master_secrets();
            let [master] = &masters[..] else { panic!("{name}: {} sessions were logged", masters.len()) };
            assert_eq!((premaster.len(), master.len()), (48, 48), "{name}");
            let mut secrets = private_numbers();
            secrets.extend([
                ("the request", script.request()),
                ("the response", script.response()),
                ("the pre-master secret", premaster),
                ("the master secret", master.clone()),
            ]);
            for (what, secret) in secrets {
                assert!(!contains(recording, &secret), "{name}: {what} can be read on the way");
            }
            // What is meant to be public is found: the search works.
            assert!(contains(recording, &pki().client.certificate_der().unwrap()), "{name}");
            sessions += 1;
        }
    }
    assert_eq!(sessions, 21);
}

#[tokio::test]
async fn without_tls_all_of_it_can_be_read() {
    let mut twin = Twin::single(1).await;
    twin.ok("AT+CIPSSL=0").await;
    let script = script();
    let session =
        session(&mut twin, &listener().await, &Server::without_tls(), &script, Tamper::Nothing).await;
    assert_eq!((session.recording.up, session.recording.down), (script.request(), script.response()));
}
