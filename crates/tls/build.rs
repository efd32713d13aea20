//! Refuses an OpenSSL that cannot do what the module does, whoever built it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let conf = std::env::var("DEP_OPENSSL_CONF").unwrap_or_default();
    for missing in ["OPENSSL_NO_SSL3_METHOD", "OPENSSL_NO_RC4"] {
        assert!(
            !conf.split(',').any(|flag| flag == missing),
            "this OpenSSL was built with {missing}; Modemtwin needs SSL 3.0 and RC4 (see ARCHITECTURE.md, Decisions)"
        );
    }
    let version = std::env::var("DEP_OPENSSL_VERSION_NUMBER").unwrap_or_default();
    let number = u64::from_str_radix(&version, 16).unwrap_or(0);
    assert!(
        (0x3050_0000..0x4000_0000).contains(&number),
        "Modemtwin needs OpenSSL 3.5 or a later 3.x, not {version:?}: SSL 3.0 is gone in 4.0"
    );
}
