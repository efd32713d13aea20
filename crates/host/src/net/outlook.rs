//! What a TLS context would do if a module connected with it now: the account before the fact.

use modem::{ModulePath, SecLevel, StoreError, TlsRequest};
use tls::inspect::{self, CertificateFacts, KeyKind, Validity};
use tls::{Policy, TimeRule, Verify, Version};

use super::Network;
use super::policy::{self, ReadFile};

/// What a TLS context would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The SSL context.
    pub context: u8,
    /// Oldest and newest version that would be offered.
    pub versions: (Version, Version),
    /// The suites that would be offered.
    pub suites: Vec<tls::Suite>,
    /// Forward-secret suites would be offered as well.
    pub modern: bool,
    /// The name that would be sent as SNI.
    pub server_name: Option<String>,
    /// The files that are set, in the order cacert, clientcert, clientkey.
    pub files: Vec<FileFacts>,
    /// Whether clientkey belongs to clientcert, where both could be read.
    pub key_fits: Option<bool>,
    /// The checks that would be made, one sentence each.
    pub checked: Vec<String>,
    /// The checks that would not be made, one sentence each, with how to have them made.
    pub unchecked: Vec<String>,
    /// What is risky or useless, one sentence each.
    pub risks: Vec<String>,
    /// Why a connect cannot work, and what to do; empty when nothing on this side is in the way.
    pub obstacles: Vec<String>,
}

/// A file that a context names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// The parameter: `cacert`, `clientcert` or `clientkey`.
    pub parameter: &'static str,
    /// The file's name in the module.
    pub name: String,
    /// Whether the context's seclevel looks at it at all.
    pub used: bool,
    /// Its length in bytes and what it holds, or why that is not known.
    pub content: Result<(usize, Holds), String>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Certificates, in the file's order.
    Certificates(Vec<CertificateFacts>),
    /// A private key.
    Key(KeyKind),
}

impl Network {
    /// What a connect with this request would do. Nothing is connected to.
    #[must_use]
    pub fn outlook(&self, request: &TlsRequest, read: ReadFile<'_>) -> Outlook {
        let bare = policy::without_files(request, self.rules);
        let key_fits = match (&request.clientcert, &request.clientkey) {
            (Some(certificate), Some(key)) => {
                let both = read(certificate.as_str()).ok().zip(read(key.as_str()).ok());
                both.map(|(certificate, key)| inspect::belong_together(&certificate, &key))
            }
            _ => None,
        };
        let mut outlook = Outlook {
            context: request.context,
            versions: (bare.min_version, bare.max_version),
            suites: bare.suites.clone(),
            modern: bare.modern,
            server_name: bare.server_name.clone(),
            files: files(request, read),
            key_fits,
            checked: Vec::new(),
            unchecked: Vec::new(),
            risks: Vec::new(),
            obstacles: Vec::new(),
        };
        outlook.checks(request, &bare);
        outlook.risks(request, &bare);
        match policy::policy(request, self.rules, read) {
            Ok(policy) => {
                if let Err(failure) = self.connector.check(&policy) {
                    outlook.obstacles.push(failure.to_string());
                } else {
                    outlook.anchors(request);
                }
            }
            Err(failed) => outlook.obstacles.push(failed.sentence()),
        }
        outlook
    }
}

fn files(request: &TlsRequest, read: ReadFile<'_>) -> Vec<FileFacts> {
    let certificates = |content: &[u8]| inspect::certificates(content, request.now).map(Holds::Certificates);
    let key = |content: &[u8]| inspect::private_key(content).map(Holds::Key);
    type Parse<'a> = &'a dyn Fn(&[u8]) -> Result<Holds, String>;
    let named: [(&'static str, &Option<ModulePath>, SecLevel, Parse<'_>); 3] = [
        ("cacert", &request.cacert, SecLevel::Server, &certificates),
        ("clientcert", &request.clientcert, SecLevel::Mutual, &certificates),
        ("clientkey", &request.clientkey, SecLevel::Mutual, &key),
    ];
    let mut files = Vec::new();
    for (parameter, path, from_level, parse) in named {
        let Some(path) = path else { continue };
        let content = match read(path.as_str()) {
            Ok(content) => parse(&content).map(|holds| (content.len(), holds)),
            Err(StoreError::NotFound) => Err("the module has no such file".into()),
            Err(error) => Err(error.to_string()),
        };
        let used = request.seclevel.number() >= from_level.number();
        files.push(FileFacts { parameter, name: path.to_string(), used, content });
    }
    files
}

impl Outlook {
    fn checks(&mut self, request: &TlsRequest, policy: &Policy) {
        let Verify::Chain { partial, name, time } = &policy.verify else {
            self.unchecked.push(
                "the server is not authenticated at all, anybody may answer (seclevel 0); set seclevel to 1 or 2".into(),
            );
            return;
        };
        let end = if *partial { "any certificate" } else { "a root" };
        self.checked.push(format!("the server's chain has to end in {end} of cacert"));
        match name {
            Some(name) => self.checked.push(format!("the server's certificate has to be for {name}")),
            None => self
                .unchecked
                .push("the certificate's name, so any server of the same CA may answer; set hostname".into()),
        }
        match time {
            TimeRule::At(_) if request.clock_set => {
                self.checked.push("the certificates have to be valid by the module's clock".into());
            }
            TimeRule::At(_) => self
                .checked
                .push("the certificates have to be valid by the module's clock, which was never set".into()),
            TimeRule::Ignore => {
                self.unchecked.push("the certificates' dates; set ignorelocaltime to 0".into());
            }
        }
        self.unchecked.push("whether a certificate was revoked; the module has no way to".into());
    }

    fn risks(&mut self, request: &TlsRequest, policy: &Policy) {
        let mut risk = |text: String| self.risks.push(text);
        if policy.min_version < Version::Tls12 {
            risk(format!("{} is offered; set sslversion to 3", policy.min_version));
        }
        let weak = |suite: &&tls::Suite| matches!(suite.0, 0x0004 | 0x0005 | 0x000A);
        let weak: Vec<String> =
            policy.suites.iter().filter(weak).map(|suite| format!("0X{:04X}", suite.0)).collect();
        if !weak.is_empty() {
            risk(format!("RC4 or 3DES is offered ({}); set ciphersuite to 0X0035 or 0X003D", weak.join(" ")));
        }
        if request.client_random.is_some() || request.premaster.is_some() {
            risk(
                "clientrandom or premaster is fixed: the session can be repeated, hence is not secret".into(),
            );
        }
        if request.seclevel == SecLevel::Mutual && request.clientcert.is_none() {
            risk("no clientcert is set, so a server that demands one refuses".into());
        }
        for file in &self.files {
            let FileFacts { parameter, name, used, content } = file;
            if !used {
                risk(format!(
                    "{parameter} {name} is set, but seclevel {} ignores it",
                    request.seclevel.number()
                ));
            }
            let keys = match content {
                Ok((_, Holds::Certificates(found))) => {
                    found.iter().filter_map(|one| one.key.as_ref()).collect()
                }
                Ok((_, Holds::Key(key))) => vec![key],
                Err(_) => continue,
            };
            if let Some(key) = keys.into_iter().find(|key| key.algorithm == "RSA" && key.bits < 2048) {
                risk(format!("{parameter} {name} has a weak key ({key})"));
            }
            if let Ok((_, Holds::Certificates(found))) = content
                && *used
                && !request.ignore_time
                && let Some(over) = found.iter().find(|one| one.validity != Validity::Valid)
            {
                let when =
                    if over.validity == Validity::Expired { "has expired" } else { "is not valid yet" };
                risk(format!("{} in {name} {when} by the module's clock", over.about.subject));
            }
        }
    }

    /// An anchor that cannot end a chain is as good as none.
    fn anchors(&mut self, request: &TlsRequest) {
        let anchors = self.files.iter().find(|file| file.parameter == "cacert" && file.used);
        if let Some(FileFacts { content: Ok((_, Holds::Certificates(found))), name, .. }) = anchors
            && !request.partial_chain
            && found.iter().all(|one| !one.self_issued)
        {
            self.obstacles.push(format!(
                "{name} has no root (a certificate issued by itself), so with verifymode 0 no chain can end in it; \
                 set verifymode to 1, or cacert to the root"
            ));
        }
    }
}
