//! No posing: who has no certificate for it is not taken for the server.

use modemtwin_host::Report;
use tls::pki::Issued;
use tls::{Suite, Version};

use super::proxy::Tamper;
use super::server::{Kind, Server, ServerEnd, pki};
use super::twin::{Heard, Twin};
use super::{Closer, Script, Session, listener, payload, put_files, session};

fn script() -> Script {
    Script { request: vec![payload(21, 100)], response: vec![payload(22, 100)], closer: Closer::Server }
}

/// Somebody with this certificate answers.
async fn answered_by(twin: &mut Twin, who: &Issued, level: &str, hostname: &str) -> Session {
    twin.configure(0, &[("seclevel", level), ("hostname", hostname)]).await;
    let versions = (Version::Ssl30, Version::Tls12);
    let server = Server::new(&Kind { who, versions, suite: Suite(0x0035), mutual: false });
    session(twin, &listener().await, &server, &script(), Tamper::Nothing).await
}

/// The module has not said a word to them.
fn assert_refused(session: &Session) {
    let Session { heard, served, .. } = session;
    assert!(heard.has("CONNECT FAIL") && !heard.has("CONNECT OK") && heard.data.is_empty(), "{heard:?}");
    assert_eq!((served.got.as_slice(), &served.end), (&[][..], &ServerEnd::Refused));
}

fn assert_served(session: &Session) {
    assert_eq!(session.served.got, script().request(), "{:?}", session.heard);
    assert_eq!(session.heard.data, script().response());
    assert!(session.heard.has("CLOSED"));
}

/// What the log says of a session that came about.
fn session_report(heard: &Heard) -> &tls::Report {
    match &heard.reports[0] {
        Report::Connected { session: Some(session), .. } => session,
        other => panic!("{other:?}"),
    }
}

// @covers ssl.connect.level.0 ssl.connect.level.1
#[tokio::test]
async fn another_authority_is_refused_wherever_the_server_is_authenticated() {
    let mut twin = Twin::single(0).await;
    put_files(&mut twin).await;
    // Even one of the same name, for a server of the same name.
    for level in ["1", "2"] {
        for hostname in ["", "\"localhost\""] {
            let session = answered_by(&mut twin, &pki().impostor, level, hostname).await;
            assert_refused(&session);
            let why = session.heard.explanation();
            assert!(why.contains("wrong CA") || why.contains("is not that of"), "{why}");
        }
    }
    // Level 0 authenticates nobody, and says so.
    let session = answered_by(&mut twin, &pki().impostor, "0", "").await;
    assert_served(&session);
    let said = session_report(&session.heard).to_string();
    assert!(said.contains("the server was NOT authenticated (seclevel 0)"), "{said}");
}

// @covers ssl.connect.name-check
#[tokio::test]
async fn another_name_of_the_same_authority_is_refused_when_hostname_is_set() {
    let mut twin = Twin::single(0).await;
    put_files(&mut twin).await;
    for level in ["1", "2"] {
        let session = answered_by(&mut twin, &pki().elsewhere, level, "\"localhost\"").await;
        assert_refused(&session);
        let why = session.heard.explanation();
        assert!(why.contains("elsewhere.example") && why.contains("localhost"), "{why}");

        let session = answered_by(&mut twin, &pki().server, level, "\"localhost\"").await;
        assert_served(&session);
        assert_eq!(session_report(&session.heard).name_checked.as_deref(), Some("localhost"));
    }
}

// @covers ssl.connect.name-check
#[tokio::test]
async fn without_hostname_the_report_says_what_was_not_checked_and_how_to_have_it_checked() {
    let mut twin = Twin::single(0).await;
    put_files(&mut twin).await;
    // The guide's own configuration: files and seclevel, but no hostname.
    let session = answered_by(&mut twin, &pki().elsewhere, "2", "").await;
    assert_served(&session);
    let report = session_report(&session.heard);
    assert!(report.chain_checked && report.name_checked.is_none());
    let said = report.to_string();
    for words in ["name was NOT checked", "hostname is not set", "any server of the same CA", "set hostname"]
    {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
}
