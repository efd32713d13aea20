//! Every version with every suite, both sides ours. (The end-to-end tests use servers that are not.)
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{attempt, demanding_server, identity, pki, verifying};
use modemtwin_tls::{Cause, Policy, SUITES, Stage, Version, self_check};

const VERSIONS: [Version; 4] = [Version::Ssl30, Version::Tls10, Version::Tls11, Version::Tls12];

#[test]
fn openssl_can_do_what_the_module_does() {
    assert_eq!(self_check(), Ok(()));
}

// @covers ssl.connect.suite ssl.connect.version ssl.connect.level.2
#[tokio::test]
async fn every_version_with_every_suite_mutual() {
    let mut worked = 0;
    for version in VERSIONS {
        for (suite, ..) in SUITES {
            let policy = Policy {
                min_version: version,
                max_version: version,
                suites: vec![suite],
                identity: Some(identity(&pki().client)),
                ..verifying()
            };
            let result = attempt(&policy, &demanding_server()).await;
            if suite.needs_tls12() && version < Version::Tls12 {
                let failure = result.unwrap_err();
                assert_eq!(failure.cause, Cause::SuiteNeedsTls12(suite));
                assert_eq!(failure.stage, Stage::Configure);
                assert!(failure.to_string().contains("this suite needs TLS 1.2"), "{failure}");
                continue;
            }
            let report = result.unwrap_or_else(|failure| panic!("{version} {suite}: {failure}"));
            assert_eq!((report.version, report.suite), (Some(version), suite));
            assert!(report.chain_checked && report.client_certificate_asked, "{report}");
            assert!(
                report.client_certificate.as_deref().is_some_and(|s| s.contains("CN=client")),
                "{report}"
            );
            worked += 1;
        }
    }
    assert_eq!(worked, 21);
}

#[tokio::test]
async fn all_versions_with_one_suite_end_in_tls12() {
    for (suite, ..) in SUITES {
        let report =
            attempt(&Policy { suites: vec![suite], ..verifying() }, &common::server()).await.unwrap();
        assert_eq!((report.version, report.suite), (Some(Version::Tls12), suite));
    }
}

#[tokio::test]
async fn everything_offered_ends_in_the_newest() {
    let report = attempt(&verifying(), &common::server()).await.unwrap();
    assert_eq!(report.version, Some(Version::Tls12));
    let modern = Policy { modern: true, max_version: Version::Tls13, ..verifying() };
    assert_eq!(attempt(&modern, &common::server()).await.unwrap().version, Some(Version::Tls13));
}
