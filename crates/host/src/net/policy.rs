//! From a module's wish to a TLS policy: the one place where it is decided what is offered and what is checked.

use std::net::IpAddr;

use modem::{LinkFailure, ModulePath, SecLevel, SslVersion, StoreError, TlsRequest};
use tls::{FixedRandom, Identity, Policy, Premaster, SUITES, ServerName, Suite, TimeRule, Verify, Version};

use super::explain::{Fault, Stage};
use super::failed::Failed;

/// When the name in the server's certificate is checked; only where the server is authenticated at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameCheck {
    /// Against `hostname`, when that is set.
    #[default]
    Hostname,
    /// Against `hostname`, or else against the host that was connected to.
    Always,
    /// Not at all.
    Never,
}

/// What the user of the program, not the module's, has decided about TLS.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// When names are checked.
    pub(super) name_check: NameCheck,
    /// Whether what the module does not have is offered as well, where its user leaves the choice open.
    pub(super) modern: bool,
}

/// Reads a file of the module's, by its name in the module.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, StoreError>;

/// The contents of the files that a request names and its level needs.
#[derive(Debug, Default)]
struct Files {
    anchors: Option<Vec<u8>>,
    identity: Option<Identity>,
}

/// Reads the files and makes the policy. It reads in place: three small files take less time than the handshake's own
/// arithmetic, which is done in place as well, and much less than handing the work to another thread.
pub(super) fn policy(request: &TlsRequest, rules: Rules, read: ReadFile<'_>) -> Result<Policy, Failed> {
    Ok(compose(request, rules, gather(request, read)?))
}

/// The policy as far as it does not depend on files.
pub(super) fn without_files(request: &TlsRequest, rules: Rules) -> Policy {
    compose(request, rules, Files::default())
}

fn failed(seen: String, advice: &str) -> Failed {
    Failed::new(Stage::Files, LinkFailure::Tls, Fault::Configuration, seen).advise(advice)
}

/// Anchors where the server is authenticated, an identity where the module presents one.
fn gather(request: &TlsRequest, read: ReadFile<'_>) -> Result<Files, Failed> {
    if request.seclevel == SecLevel::None {
        return Ok(Files::default());
    }
    let anchors = content(read, "cacert", request.cacert.as_ref())?;
    if request.seclevel != SecLevel::Mutual {
        return Ok(Files { anchors, identity: None });
    }
    let certificate = content(read, "clientcert", request.clientcert.as_ref())?;
    let key = content(read, "clientkey", request.clientkey.as_ref())?;
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            return Err(failed("clientcert is set, but clientkey is not".into(), "set both or none"));
        }
        (None, Some(_)) => {
            return Err(failed("clientkey is set, but clientcert is not".into(), "set both or none"));
        }
    };
    Ok(Files { anchors, identity })
}

fn content(
    read: ReadFile<'_>,
    parameter: &str,
    path: Option<&ModulePath>,
) -> Result<Option<Vec<u8>>, Failed> {
    let Some(path) = path else { return Ok(None) };
    match read(path.as_str()) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::NotFound) => {
            let seen = format!("{parameter} is {path}, but the module has no such file");
            Err(failed(seen, "write it first (FSCREATE, FSWRITE), or set another name"))
        }
        Err(error) => Err(Failed::new(
            Stage::Files,
            LinkFailure::Tls,
            Fault::Environment,
            format!("{parameter} is {path}, which cannot be read: {error}"),
        )
        .advise("the cause is in the directory where this computer keeps the module's files")),
    }
}

fn compose(request: &TlsRequest, rules: Rules, files: Files) -> Policy {
    let (min_version, max_version) = versions(request.version);
    let modern = rules.modern && leaves_the_choice(request);
    Policy {
        min_version,
        max_version: if modern { Version::Tls13 } else { max_version },
        suites: request.suites.iter().copied().map(Suite).collect(),
        modern,
        anchors: files.anchors,
        identity: files.identity,
        verify: verify(request, rules.name_check),
        server_name: server_name(request),
        fixed: FixedRandom {
            hello: request.client_random,
            premaster: request.premaster.map(|premaster| match premaster {
                modem::Premaster::Random(bytes) => Premaster::Random(bytes),
                modem::Premaster::Whole(bytes) => Premaster::Whole(bytes),
            }),
        },
    }
}

/// Whether sslversion and ciphersuite both say "whatever there is" (4 and 0XFFFF, which is also what is unset).
fn leaves_the_choice(request: &TlsRequest) -> bool {
    request.version == SslVersion::All && SUITES.iter().all(|(suite, ..)| request.suites.contains(&suite.0))
}

fn versions(version: SslVersion) -> (Version, Version) {
    match version {
        SslVersion::Ssl30 => (Version::Ssl30, Version::Ssl30),
        SslVersion::Tls10 => (Version::Tls10, Version::Tls10),
        SslVersion::Tls11 => (Version::Tls11, Version::Tls11),
        SslVersion::Tls12 => (Version::Tls12, Version::Tls12),
        SslVersion::All => (Version::Ssl30, Version::Tls12),
    }
}

fn verify(request: &TlsRequest, check: NameCheck) -> Verify {
    if request.seclevel == SecLevel::None {
        return Verify::None;
    }
    let name = match check {
        NameCheck::Never => None,
        NameCheck::Hostname => request.hostname.as_deref(),
        NameCheck::Always => Some(request.hostname.as_deref().unwrap_or(&request.host)),
    };
    Verify::Chain {
        partial: request.partial_chain,
        name: name.map(ServerName::parse),
        time: if request.ignore_time { TimeRule::Ignore } else { TimeRule::At(request.now) },
    }
}

/// SNI carries names only, never addresses (RFC 6066).
fn server_name(request: &TlsRequest) -> Option<String> {
    let name = request.hostname.as_deref().unwrap_or(&request.host);
    (name.parse::<IpAddr>().is_err() && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> TlsRequest {
        TlsRequest {
            context: 0,
            version: SslVersion::All,
            suites: vec![0x0035, 0x003D],
            seclevel: SecLevel::Server,
            cacert: None,
            clientcert: None,
            clientkey: None,
            partial_chain: true,
            hostname: None,
            host: "tcplab.openluat.com".into(),
            ignore_time: false,
            now: 1_600_000_000,
            clock_set: true,
            client_random: Some([7; 32]),
            premaster: Some(modem::Premaster::Random([8; 46])),
            timeout: 1000,
            resumable: false,
            resume: None,
        }
    }

    fn rules(name_check: NameCheck) -> Rules {
        Rules { name_check, ..Rules::default() }
    }

    fn name(check: NameCheck, hostname: Option<&str>, seclevel: SecLevel) -> Option<ServerName> {
        let request = TlsRequest { hostname: hostname.map(Into::into), seclevel, ..request() };
        match compose(&request, rules(check), Files::default()).verify {
            Verify::None => None,
            Verify::Chain { name, .. } => name,
        }
    }

    #[test]
    fn what_was_asked_for_is_offered() {
        let policy = compose(&request(), Rules::default(), Files::default());
        assert_eq!((policy.min_version, policy.max_version), (Version::Ssl30, Version::Tls12));
        assert_eq!(policy.suites, [Suite(0x0035), Suite(0x003D)]);
        assert_eq!(policy.fixed.hello, Some([7; 32]));
        assert_eq!(policy.fixed.premaster, Some(Premaster::Random([8; 46])));
        assert!(!policy.modern);
        let time = TimeRule::At(1_600_000_000);
        assert_eq!(policy.verify, Verify::Chain { partial: true, name: None, time });
        for version in [SslVersion::Ssl30, SslVersion::Tls10, SslVersion::Tls11, SslVersion::Tls12] {
            let policy =
                compose(&TlsRequest { version, ..request() }, rules(NameCheck::Never), Files::default());
            assert_eq!(policy.min_version, policy.max_version, "{version:?} is exact");
        }
    }

    #[test]
    fn more_is_offered_only_where_the_choice_is_left_open() {
        let modern = Rules { modern: true, ..Rules::default() };
        let offered = |version, suites: &[u16]| {
            let request = TlsRequest { version, suites: suites.to_vec(), ..request() };
            let policy = compose(&request, modern, Files::default());
            (policy.min_version, policy.max_version, policy.modern)
        };
        let all = SUITES.map(|(suite, ..)| suite.0);
        assert_eq!(offered(SslVersion::All, &all), (Version::Ssl30, Version::Tls13, true));
        assert_eq!(offered(SslVersion::All, &[0x0035]), (Version::Ssl30, Version::Tls12, false));
        assert_eq!(offered(SslVersion::Tls12, &all), (Version::Tls12, Version::Tls12, false));
        let request = TlsRequest { suites: all.to_vec(), ..request() };
        assert!(!compose(&request, Rules::default(), Files::default()).modern);
    }

    #[test]
    fn dates_can_be_left_out() {
        let policy = compose(
            &TlsRequest { ignore_time: true, ..request() },
            rules(NameCheck::Never),
            Files::default(),
        );
        assert!(matches!(policy.verify, Verify::Chain { time: TimeRule::Ignore, .. }));
    }

    #[test]
    fn names_are_checked_by_rule_and_never_at_level_0() {
        let host = ServerName::Dns("tcplab.openluat.com".into());
        let own = ServerName::Dns("lab".into());
        assert_eq!(name(NameCheck::Hostname, None, SecLevel::Server), None);
        assert_eq!(name(NameCheck::Hostname, Some("lab"), SecLevel::Server), Some(own.clone()));
        assert_eq!(name(NameCheck::Always, None, SecLevel::Mutual), Some(host));
        assert_eq!(name(NameCheck::Always, Some("lab"), SecLevel::Mutual), Some(own));
        assert_eq!(name(NameCheck::Never, Some("lab"), SecLevel::Mutual), None);
        assert_eq!(name(NameCheck::Always, Some("lab"), SecLevel::None), None);
    }

    #[test]
    fn sni_is_the_hostname_or_else_the_host_and_never_an_address() {
        let sni = |hostname: Option<&str>, host: &str| {
            server_name(&TlsRequest { hostname: hostname.map(Into::into), host: host.into(), ..request() })
        };
        assert_eq!(sni(None, "a.example").as_deref(), Some("a.example"));
        assert_eq!(sni(Some("b.example"), "a.example").as_deref(), Some("b.example"));
        assert_eq!(sni(None, "192.0.2.1"), None);
        assert_eq!(sni(Some("b.example"), "192.0.2.1").as_deref(), Some("b.example"));
        assert_eq!(sni(Some("::1"), "a.example"), None);
    }
}
