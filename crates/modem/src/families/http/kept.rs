//! HTTPSCONT: the parameters over a restart.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::parameters::{Parameters, TAGS, Tag};
use super::{HttpOp, session};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{Section, StoreError, StoreReply, StoreRequest};
use crate::module::{Module, setting};

/// Under what the parameters are kept, each behind its tag's name.
const KEY: &str = "kept.http.";

pub(super) const HTTPSCONT: Command = Command {
    syntax: &["AT+HTTPSCONT", "AT+HTTPSCONT?", "AT+HTTPSCONT=?"],
    reference: "manual AT+HTTPSCONT",
    evidence: Evidence::Documented,
    remarks: "Keeps every parameter of AT+HTTPPARA (TIMEOUT, CONTENT and USER_DEFINED, too: assumed) for every later AT+HTTPINIT; OK when \
              it is safe. AT&W and AT&F leave them alone, AT+RSTSET forgets them (assumed). The first line of the query is 0 when something \
              is kept, 1 when not; the others show what is set now, outside a session what AT+HTTPINIT would begin with (assumed). \
              Keeping without AT+HTTPINIT: +CME ERROR: 3 (assumed).",
    execute: Some(keep),
    read: Some(show),
    examples: &[
        example("AT+HTTPSCONT", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPSCONT", "\r\nOK\r\n"),
        example_after(
            &["AT+HTTPINIT"],
            "AT+HTTPSCONT?",
            "\r\n+HTTPSCONT:1\r\nCID: 1\r\nURL: \r\nUA: AM_MODULE\r\nPROIP: 0.0.0.0\r\nPROPORT: 0\r\nREDIR: 0\r\nBREAK: 0\r\n\
             BREAKEND: 0\r\nUSERDATA: \r\n\r\nOK\r\n",
        ),
        example("AT+HTTPSCONT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPSCONT", "Keep the parameters of HTTP requests")
};

/// What a session begins with.
pub(super) fn parameters(module: &Module) -> Parameters {
    let profile = module.setup.profile;
    let mut parameters = Parameters::new(profile);
    for (tag, value) in lines(module) {
        // What is not understood stays as it is.
        let _ = parameters.set(profile, tag, &value);
    }
    parameters
}

/// What is kept, in order.
fn lines(module: &Module) -> Vec<(Tag, String)> {
    let settings = module.setup.settings.as_deref().unwrap_or_default();
    let read = |line: &str| {
        let (name, value) = line.strip_prefix(KEY)?.split_once('=')?;
        let (tag, _) = TAGS.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name))?;
        Some((tag, value.into()))
    };
    String::from_utf8_lossy(settings).lines().filter_map(read).collect()
}

fn keep(x: &mut Exchange<'_>) -> Answer {
    let mut text = String::new();
    let parameters = &session(x.module)?.parameters;
    for (tag, name) in TAGS {
        let key = format!("{KEY}{}", name.to_ascii_lowercase());
        if tag == Tag::Defined {
            for line in &parameters.defined {
                setting(&mut text, &key, line);
            }
        } else {
            setting(&mut text, &key, parameters.get(tag));
        }
    }
    let bytes = x.module.settings_with(|key| key.starts_with(KEY), &text);
    Ok(Outcome::Store(StoreRequest::Persist { section: Section::Settings, bytes }, Op::http(HttpOp::Keep)))
}

/// The store has answered.
pub(super) fn done(result: Result<StoreReply, StoreError>) -> Answer {
    match result {
        Ok(_) => Ok(Outcome::Ok),
        Err(error) => Err(Fault::error(format!("the parameters could not be stored: {error}"))),
    }
}

fn show(x: &mut Exchange<'_>) -> Answer {
    let kept = !lines(x.module).is_empty();
    let parameters = match session(x.module) {
        Ok(session) => session.parameters.clone(),
        Err(_) => parameters(x.module),
    };
    x.info(format_args!("+HTTPSCONT:{}", u8::from(!kept)));
    for (tag, name) in TAGS {
        if !matches!(tag, Tag::Timeout | Tag::Content | Tag::Defined) {
            x.info(format_args!("{name}: {}", parameters.get(tag)));
        }
    }
    Ok(Outcome::Ok)
}
