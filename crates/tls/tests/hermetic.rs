//! The computer's OpenSSL configuration has no say. A program of its own, as OpenSSL reads it once per process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{attempt, demanding_server, identity, pki, verifying};
use modemtwin_tls::{FixedRandom, Policy, Premaster, Suite, Version};
use std::process::Command;

/// Asks for FIPS algorithms only, which are not there, and for TLS 1.3 only.
const HOSTILE: &str = "
openssl_conf = all
[all]
alg_section = algorithms
ssl_conf = ssl
providers = providers
[algorithms]
default_properties = fips=yes
[providers]
base = base
[base]
activate = 1
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1.3
CipherString = DEFAULT@SECLEVEL=5
";

#[test]
fn a_hostile_configuration_changes_nothing() {
    let directory = std::env::temp_dir().join(format!("modemtwin-tls-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("openssl.cnf");
    std::fs::write(&file, HOSTILE).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "old_versions_work", "--include-ignored"])
        .env("OPENSSL_CONF", &file)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

// @covers ssl.connect.old
#[tokio::test]
async fn old_versions_work() {
    for fixed in [
        FixedRandom::default(),
        FixedRandom { hello: Some([1; 32]), premaster: Some(Premaster::Random([2; 46])) },
    ] {
        let policy = Policy {
            max_version: Version::Ssl30,
            suites: vec![Suite(0x0004)],
            identity: Some(identity(&pki().client)),
            fixed,
            ..verifying()
        };
        let report = attempt(&policy, &demanding_server()).await.unwrap();
        assert_eq!((report.version, report.suite), (Some(Version::Ssl30), Suite(0x0004)));
    }
}
