//! TLS requests in words, for `@peer expect-tls`.

use std::fmt::Write as _;

use modem::{ConnId, ModulePath, Premaster, TlsRequest};
use transcript::TlsFields;

/// The wanted properties and what was asked for, both as text in the wanted order.
/// `number` is the number of a connection in steps.
pub(crate) fn tls_fields(
    wanted: Option<&TlsFields>,
    got: Option<&TlsRequest>,
    number: impl Fn(ConnId) -> Option<usize>,
) -> (String, String) {
    let none = || String::from("no TLS");
    match (wanted, got) {
        (None, None) => (none(), none()),
        (None, Some(_)) => (none(), "TLS".into()),
        (Some(fields), None) => (join(fields.iter().cloned()), none()),
        (Some(fields), Some(tls)) => {
            let got = fields.iter().map(|(key, _)| (key.clone(), field(tls, key, &number)));
            (join(fields.iter().cloned()), join(got))
        }
    }
}

fn join(fields: impl Iterator<Item = (String, String)>) -> String {
    let words: Vec<String> = fields.map(|(key, value)| format!("{key}={value}")).collect();
    if words.is_empty() { "TLS".into() } else { words.join(" ") }
}

fn field(tls: &TlsRequest, key: &str, number: impl Fn(ConnId) -> Option<usize>) -> String {
    let path = |path: &Option<ModulePath>| path.as_ref().map_or_else(|| "none".into(), ToString::to_string);
    let switch = |on: bool| u8::from(on).to_string();
    match key {
        "context" => tls.context.to_string(),
        "version" => tls.version.number().to_string(),
        "suites" => {
            let suites: Vec<String> = tls.suites.iter().map(|suite| format!("{suite:04X}")).collect();
            suites.join(",")
        }
        "seclevel" => tls.seclevel.number().to_string(),
        "cacert" => path(&tls.cacert),
        "clientcert" => path(&tls.clientcert),
        "clientkey" => path(&tls.clientkey),
        "verifymode" => switch(tls.partial_chain),
        "hostname" => tls.hostname.clone().unwrap_or_else(|| "none".into()),
        "host" => tls.host.clone(),
        "ignorelocaltime" => switch(tls.ignore_time),
        "now" => tls.now.to_string(),
        "clock-set" => switch(tls.clock_set),
        "clientrandom" => tls.client_random.map_or_else(|| "none".into(), |bytes| hex(&bytes)),
        "premaster" => match tls.premaster {
            None => "none".into(),
            Some(Premaster::Random(bytes)) => hex(&bytes),
            Some(Premaster::Whole(bytes)) => hex(&bytes),
        },
        "negotiatetimeout" => (tls.timeout / 1000).to_string(),
        "resumable" => switch(tls.resumable),
        "resume" => match tls.resume.map(number) {
            None => "none".into(),
            Some(None) => "unknown".into(),
            Some(Some(number)) => number.to_string(),
        },
        _ => "unknown".into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}
